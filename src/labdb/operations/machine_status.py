"""What every machine is asked for its status, and the lines that every screen has."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from labdb.domain.capacity import Sample, days_to_full
from labdb.domain.machine_health import CLOCK, REBOOT, REBOOT_PACKAGES, duration
from labdb.report import Finding
from labdb.size import human_size

Seen = Mapping[str, Any]
History = Mapping[str, Sequence[Sample]]


@dataclass(frozen=True, slots=True)
class Look:
    """What a machine of some kind is asked, and what becomes of its answer.

    *judge* gets the answer and the history of its disks, *screen* the same.
    """

    questions: Mapping[str, Any]
    judge: Callable[[Seen, History], tuple[Finding, ...]]
    screen: Callable[[Seen, History], dict[str, str]]


def questions(mounts: Sequence[str], texts: Sequence[str] = ()) -> dict[str, Any]:
    """Return what every machine is asked; *texts* are small files that are read besides."""
    return {
        "mounts": list(mounts),
        "texts": [*texts, REBOOT, REBOOT_PACKAGES],
        "clock": CLOCK,
        "system": True,
    }


def system_line(seen: Seen) -> str:
    """Return what the kernel tells, in a line."""
    system = seen["system"]
    return (
        f"up {duration(system['uptime'])}, load {system['load'][0]:.2f}, "
        f"{human_size(system['available'])} memory available"
    )


def disk_lines(seen: Seen, history: History) -> dict[str, str]:
    """Return a line for each mount point, with when it will be full."""
    lines = {}
    for mount, disk in seen["mounts"].items():
        days = days_to_full(history.get(mount, ()))
        forecast = f", full in {days:.0f} days" if days is not None else ""
        lines[f"disk {mount}"] = (
            f"{human_size(disk['used'])} of {human_size(disk['size'])} "
            f"({disk['used'] / disk['size']:.0%}){forecast}"
        )
    return lines
