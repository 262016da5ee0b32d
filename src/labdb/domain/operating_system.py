"""Kernel parameters of a database guest, each with its reason."""

from dataclasses import dataclass

from labdb.size import UNITS

HUGE_PAGE = 2 * UNITS["MB"]
HUGEPAGES_WORTH_FROM = 8 * UNITS["GB"]


@dataclass(frozen=True, slots=True)
class KernelParameter:
    """A sysctl with its value and why it is so."""

    name: str
    value: str
    reason: str


def kernel_parameters(memory: int) -> tuple[KernelParameter, ...]:
    """Return the sysctls for a guest of *memory* bytes.

    Sources: PostgreSQL 16 documentation, section 19.4.4 "Linux Memory Overcommit";
    kernel documentation, admin-guide/sysctl/vm.rst and networking/ip-sysctl.rst.
    """
    background = max(64 * UNITS["MB"], memory // 100)
    return (
        KernelParameter(
            "vm.overcommit_memory",
            "2",
            "no overcommit: a backend gets an error, not the OOM killer",
        ),
        KernelParameter(
            "vm.overcommit_ratio", "90", "what may be promised; the rest stays for the kernel"
        ),
        KernelParameter("vm.swappiness", "1", "shared buffers must not be paged out"),
        KernelParameter(
            "vm.dirty_background_bytes", str(background), "write back early and steadily"
        ),
        KernelParameter(
            "vm.dirty_bytes", str(4 * background), "a checkpoint never waits for gigabytes of cache"
        ),
        KernelParameter("net.core.somaxconn", "1024", "room for a burst of new connections"),
        KernelParameter(
            "net.ipv4.tcp_keepalive_time",
            "300",
            "find dead clients within minutes; PostgreSQL takes the kernel's value",
        ),
        KernelParameter("net.ipv4.tcp_keepalive_intvl", "60", "the same"),
        KernelParameter("net.ipv4.tcp_keepalive_probes", "5", "the same"),
    )


def huge_pages(shared_buffers: int) -> int:
    """Return how many 2 MB pages to reserve: none where the page table is small anyway.

    Below 8 GB of shared buffers the saving in page tables does not pay for memory that
    nothing else can use.
    """
    if shared_buffers < HUGEPAGES_WORTH_FROM:
        return 0
    return -(-shared_buffers * 103 // 100 // HUGE_PAGE)
