"""What a container cannot show: a kernel, udev, a boot and a reboot of the server's own."""

import json
import re
from typing import Any

import psycopg
import pytest
from tests.qemu import runs
from tests.qemu.machine import Machine
from tests.qemu.runs import Ran

from labdb.adapters import vault
from labdb.adapters.inventory import Declaration
from labdb.domain.operating_system import kernel_parameters
from labdb.operations.connection import authority_file
from labdb.spec import Server

pytestmark = pytest.mark.qemu

FORBIDDEN = "Skipped, this machine forbids it"
SERVICES = (
    "chrony.service",
    "labdb-firewall.service",
    "mnt-backup.mount",
    "mnt-data.mount",
    "pgbackrest-differential.timer",
    "pgbackrest-full.timer",
    "postgresql@16-main.service",
    "prometheus-node-exporter.service",
    "prometheus-pgbackrest-exporter.service",
    "prometheus-postgres-exporter.service",
)


@pytest.fixture
def server(declaration: Declaration) -> Server:
    return declaration.server


def sql(host: Any, query: str) -> str:
    answer: str = host.check_output("runuser -u postgres -- psql -XAtqc %s", query)
    return answer


def wrong_parameters(host: Any, server: Server) -> list[str]:
    """The kernel parameters that are not in effect."""
    wanted = {item.name: item.value for item in kernel_parameters(server.guest.memory)}
    live = host.check_output(f"sysctl --values {' '.join(wanted)}").splitlines()
    pairs = zip(wanted.items(), live, strict=True)
    return [f"{name}: {value}, not {want}" for (name, want), value in pairs if value != want]


def huge_page_counts(host: Any) -> dict[str, int]:
    lines = host.check_output("grep ^HugePages_ /proc/meminfo").splitlines()
    return {name: int(count) for name, count in (line.split(":") for line in lines)}


def serials(host: Any, server: Server) -> dict[str, str]:
    """The serial of the disk that is mounted at each mount point, as udev knows it."""
    found = {}
    for mount in (server.storage.data.mount, server.storage.backup.mount):
        device = host.check_output("findmnt --noheadings --output SOURCE --mountpoint %s", mount)
        properties = host.check_output("udevadm info --query=property --name=%s", device)
        found[mount] = dict(line.split("=", 1) for line in properties.splitlines())["ID_SERIAL"]
    return found


def answer_over_tls(declaration: Declaration, machine: Machine, query: str) -> Any:
    """What a declared client is answered, from outside, with everything verified."""
    server = declaration.server
    database = server.access.databases[0]
    with psycopg.connect(
        host=server.address,
        hostaddr="127.0.0.1",
        port=machine.database_port,
        dbname=database.name,
        user=database.owner,
        password=vault.password(declaration, database.owner),
        sslmode="verify-full",
        sslrootcert=str(authority_file(declaration.environment.name)),
        connect_timeout=60,
    ) as connection:
        return connection.execute(query).fetchone()


def test_cloud_init_makes_of_the_seed_what_is_declared(host: Any, server: Server) -> None:
    told = json.loads(host.run("cloud-init status --format json").stdout)
    assert (told["status"], told["errors"]) == ("done", [])
    network = server.guest.network
    assert host.check_output("hostname --fqdn") == server.fqdn
    assert str(network.address) in host.check_output("ip -brief -4 address show dev eth0")
    assert str(network.gateway) in host.check_output("ip route show default")
    assert str(network.nameservers[0]) in host.check_output("resolvectl dns eth0")


def test_the_system_grows_to_its_disk_at_the_first_boot(host: Any, server: Server) -> None:
    size = int(host.check_output("findmnt --noheadings --bytes --output SIZE /"))
    assert size > 0.9 * server.storage.system.size


def test_the_kernel_sees_the_memory_within_ten_percent(host: Any, machine: Machine) -> None:
    size = int(host.check_output("awk '/^MemTotal:/ {print $2}' /proc/meminfo")) << 10
    assert size > 0.9 * machine.memory


def test_a_real_kernel_forbids_nothing(provisioned: Ran) -> None:
    assert provisioned.status("operating_system", FORBIDDEN) == "skipped"


def test_the_declared_kernel_parameters_are_in_effect(
    provisioned: Ran, host: Any, server: Server
) -> None:
    assert wrong_parameters(host, server) == []


def test_transparent_huge_pages_are_off(provisioned: Ran, host: Any) -> None:
    assert "[never]" in host.check_output("cat /sys/kernel/mm/transparent_hugepage/enabled")


def test_the_disks_are_found_by_the_serials_that_udev_reads(
    provisioned: Ran, host: Any, server: Server
) -> None:
    storage = server.storage
    for volume in (storage.data, storage.backup):
        assert serials(host, server)[volume.mount].endswith(f"_{volume.serial}")
        link = f"/dev/disk/by-id/scsi-0QEMU_QEMU_HARDDISK_{volume.serial}"
        assert int(host.check_output("blockdev --getsize64 %s", link)) == volume.size


def test_a_client_is_answered_over_verified_tls(
    provisioned: Ran, declaration: Declaration, machine: Machine
) -> None:
    query = "select ssl, version from pg_stat_ssl where pid = pg_backend_pid()"
    assert answer_over_tls(declaration, machine, query) == (True, "TLSv1.3")


def test_the_kernels_own_filter_let_that_client_in_and_drops_the_rest(
    provisioned: Ran, host: Any, server: Server
) -> None:
    chain = host.check_output("nft list chain inet labdb input")
    assert "policy drop" in chain
    network, port = server.guest.network.address.network, server.postgresql.port
    assert re.search(rf"saddr {network} tcp dport {port} counter packets [1-9]", chain)


def test_a_second_run_changes_what_is_declared_anew_and_nothing_else(huge_pages: Ran) -> None:
    assert huge_pages.changed == [
        "operating_system: Kernel parameters for every boot",
        "operating_system: Kernel parameters now",
    ]


def test_huge_pages_are_reserved_in_the_running_kernel(
    huge_pages: Ran, wanted_huge_pages: int, host: Any
) -> None:
    assert wanted_huge_pages > 1000
    assert huge_page_counts(host)["HugePages_Total"] == wanted_huge_pages


def test_a_reboot_starts_all_of_it(rebooted: Any) -> None:
    assert rebooted.check_output("systemctl --failed --no-legend --plain") == ""
    states = rebooted.run(f"systemctl is-active {' '.join(SERVICES)}").stdout.split()
    assert dict(zip(SERVICES, states, strict=True)) == dict.fromkeys(SERVICES, "active")


def test_a_reboot_sets_the_kernel_parameters_again(rebooted: Any, server: Server) -> None:
    assert wrong_parameters(rebooted, server) == []
    assert "[never]" in rebooted.check_output("cat /sys/kernel/mm/transparent_hugepage/enabled")


def test_a_reboot_mounts_each_disk_in_its_place_whatever_the_kernel_calls_it(
    rebooted: Any, server: Server
) -> None:
    found = serials(rebooted, server)
    for volume in (server.storage.data, server.storage.backup):
        assert found[volume.mount].endswith(f"_{volume.serial}")


def test_a_reboot_is_a_clean_stop_of_postgresql(
    rebooted: Any, declaration: Declaration, machine: Machine
) -> None:
    assert sql(rebooted, "table kept") == "42"
    log = sql(rebooted, "select pg_read_file(pg_current_logfile())")
    assert "database system was shut down at" in log
    assert "was interrupted" not in log
    assert answer_over_tls(declaration, machine, "select 1") == (1,)


def test_postgresql_takes_the_huge_pages_that_a_boot_reserves(
    rebooted: Any, wanted_huge_pages: int
) -> None:
    counts = huge_page_counts(rebooted)
    assert counts["HugePages_Total"] == wanted_huge_pages
    taken = counts["HugePages_Total"] - counts["HugePages_Free"] + counts["HugePages_Rsvd"]
    assert taken == wanted_huge_pages


def test_the_backups_have_their_next_time(rebooted: Any) -> None:
    for kind in ("full", "differential"):
        asked = f"systemctl show --value --property=NextElapseUSecRealtime pgbackrest-{kind}.timer"
        assert rebooted.check_output(asked) != ""


def test_a_run_after_the_reboot_changes_nothing(
    rebooted: Any, wanted_huge_pages: int, declaration: Declaration
) -> None:
    ran = runs.play(declaration, operating_system_hugepages=wanted_huge_pages)
    assert ran.changed == []
