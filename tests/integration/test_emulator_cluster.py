"""What the emulated cluster knows beside its guests, and who may do what in it."""

from typing import Any

import pytest
import yaml

from labdb.lab import cluster
from labdb.lab.control import EmulatedPve

pytestmark = pytest.mark.proxmox
GIB = 1 << 30


def test_the_cluster_has_seven_nodes_and_is_quorate(api: Any) -> None:
    status = api("GET", "/cluster/status")
    assert status[0]["quorate"] == 1
    assert [n["name"] for n in status[1:]] == [f"node0{n}" for n in range(1, 8)]


def test_a_node_says_what_it_has_and_what_is_taken(api: Any) -> None:
    status = api("GET", "/nodes/node06/status")
    assert status["cpuinfo"]["cpus"] == 20
    assert status["memory"]["total"] == 96 * GIB
    before = status["memory"]["used"]
    guest = api.clone()
    api("PUT", f"{guest}/config", memory=8192)
    api.task("POST", f"{guest}/status/start")
    assert api("GET", "/nodes/node06/status")["memory"]["used"] == before + 8 * GIB
    listed = next(n for n in api("GET", "/nodes") if n["node"] == "node06")
    assert (listed["maxcpu"], listed["maxmem"]) == (20, 96 * GIB)


def test_only_vmbr1_is_vlan_aware(api: Any) -> None:
    bridges = api("GET", "/nodes/node06/network", type="any_bridge")
    aware = {b["iface"]: b.get("bridge_vlan_aware") for b in bridges}
    assert aware == {"vmbr0": None, "vmbr1": 1}


def test_a_guest_on_a_bridge_that_is_not_there_does_not_start(api: Any) -> None:
    guest = api.clone()
    api("PUT", f"{guest}/config", net0="virtio,bridge=vmbr9")
    assert api.task("POST", f"{guest}/status/start") == "bridge 'vmbr9' does not exist"
    assert api("GET", f"{guest}/status/current")["status"] == "stopped"


def test_storages_have_the_sizes_of_the_lab(api: Any) -> None:
    found = {s["storage"]: s for s in api("GET", "/nodes/node06/storage", content="images")}
    assert set(found) == {"data", "nvmethin01"}
    assert found["nvmethin01"]["total"] == 1648 * GIB
    assert found["data"]["total"] == 165 * GIB
    elsewhere = api("GET", "/nodes/node01/storage")
    assert [s["storage"] for s in elsewhere if s["active"]] == ["local"]


def test_a_backup_job_is_kept_changed_and_removed(api: Any) -> None:
    api("POST", "/cluster/backup", id="labdb-2002", vmid="2002", storage="local",
        schedule="02:00", prune__backups="keep-daily=30")  # fmt: skip
    job = api("GET", "/cluster/backup/labdb-2002")
    assert (job["schedule"], job["prune-backups"]) == ("02:00", {"keep-daily": "30"})
    api("PUT", "/cluster/backup/labdb-2002", schedule="03:00")
    assert [j["schedule"] for j in api("GET", "/cluster/backup")] == ["03:00"]
    again = api.refusal("POST", "/cluster/backup", id="labdb-2002", vmid="2002")
    assert "already exists" in again
    api("DELETE", "/cluster/backup/labdb-2002")
    assert api("GET", "/cluster/backup") == []


def test_a_guest_under_ha_is_started_by_the_manager(api: Any) -> None:
    guest = api.clone()
    api("POST", "/cluster/ha/resources", sid="vm:2002", state="stopped")
    assert [r["sid"] for r in api("GET", "/cluster/ha/resources")] == ["vm:2002"]
    assert ":hastart:" in api("POST", f"{guest}/status/start")
    current = api("GET", f"{guest}/status/current")
    assert (current["status"], current["ha"]["managed"]) == ("running", 1)
    api("DELETE", "/cluster/ha/resources/vm:2002")
    assert api("GET", f"{guest}/status/current")["ha"] == {"managed": 0}


def test_ha_knows_no_guest_that_is_not_there(api: Any) -> None:
    assert "does not exist" in api.refusal("POST", "/cluster/ha/resources", sid="vm:2999")


def test_a_snapshot_brings_the_configuration_back(api: Any) -> None:
    guest = api.clone()
    assert api.task("POST", f"{guest}/snapshot", snapname="before") == "OK"
    api("PUT", f"{guest}/config", cores=8)
    assert api.task("POST", f"{guest}/snapshot/before/rollback") == "OK"
    assert api("GET", f"{guest}/config")["cores"] == 2


NEEDED = [
    ("VM.Config.CPU", {"cores": 4}),
    ("VM.Config.Memory", {"memory": 4096}),
    ("VM.Config.Options", {"tags": "a"}),
    ("VM.Config.Options", {"bios": "seabios"}),
    ("VM.Config.Options", {"ostype": "l26"}),
    ("VM.Config.HWType", {"scsihw": "virtio-scsi-pci"}),
    ("VM.Config.HWType", {"rng0": "source=/dev/urandom"}),
    ("VM.Config.Disk", {"scsi1": "nvmethin01:1"}),
    ("VM.Config.Network", {"net0": "virtio,bridge=vmbr1"}),
    ("Datastore.AllocateSpace", {"scsi1": "nvmethin01:1"}),
    ("SDN.Use", {"net0": "virtio,bridge=vmbr1,tag=20"}),
]


@pytest.mark.parametrize(("privilege", "change"), NEEDED, ids=str)
def test_a_missing_privilege_is_named(api: Any, privilege: str, change: dict[str, Any]) -> None:
    guest = api.clone()
    api.pve.control.revoke(privilege)
    said = api.refusal("PUT", f"{guest}/config", **change)
    assert said.startswith("403 Permission check failed (/")
    assert privilege in said


@pytest.mark.parametrize("kept", ["VM.Config.Cloudinit", "VM.Config.Network"])
@pytest.mark.parametrize("change", [{"ciuser": "a"}, {"ipconfig0": "ip=dhcp"}], ids=str)
def test_cloud_init_needs_either_of_two_privileges(
    api: Any, kept: str, change: dict[str, str]
) -> None:
    guest = api.clone()
    both = {"VM.Config.Cloudinit", "VM.Config.Network"}
    for privilege in both:
        api.pve.control.revoke(privilege)
    assert "VM.Config.Cloudinit|VM.Config.Network" in api.refusal(
        "PUT", f"{guest}/config", **change
    )
    api.pve.control.grant(kept)
    api("PUT", f"{guest}/config", **change)


def test_the_bridge_and_its_tag_have_a_path_of_their_own(api: Any) -> None:
    guest = api.clone()
    api.pve.control.revoke("SDN.Use")
    api.pve.control.grant("SDN.Use", "/sdn/zones/localnet/vmbr1/20")
    said = api.refusal("PUT", f"{guest}/config", net0="virtio,bridge=vmbr1,tag=30")
    assert said == "403 Permission check failed (/sdn/zones/localnet/vmbr1/30, SDN.Use)"
    api("PUT", f"{guest}/config", net0="virtio,bridge=vmbr1,tag=20")


def test_only_root_sets_what_only_root_may(api: Any) -> None:
    guest = api.clone()
    assert api.refusal("PUT", f"{guest}/config", args="-S") == "403 only root can set 'args' config"


def test_production_stands_as_it_was_found(pve_today: EmulatedPve) -> None:
    guest = pve_today.control.guest(2002)
    assert guest is not None
    declared = yaml.safe_load(cluster.PRODUCTION_TODAY.read_text())["guests"][0]["config"]
    assert guest["config"] == declared | {"name": "proj-pg01"}
    assert (declared["sockets"], declared["cores"]) == (2, 4)
    assert (declared["memory"], declared["balloon"]) == (49152, 8192)
    assert guest["status"] == "running"
