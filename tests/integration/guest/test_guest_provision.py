"""From an empty node to the declared guest, and from there to every declared change."""

import shlex
from typing import Any

import pytest

from labdb.adapters.proxmox import Options, Proxmox
from labdb.domain.desired import DesiredGuest
from labdb.domain.guest import plan_guest
from labdb.domain.privileges import required
from labdb.errors import LabdbError
from labdb.lab.control import EmulatedPve
from labdb.report import Effect
from labdb.spec import Server

pytestmark = pytest.mark.proxmox

KEYS = ("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBSGb6BsIXU0Sk1TRhDUyIw1GQ0xZmFrZWtleQ== operator",)

FIRST_RUN_CHANGES = 17


def _guest(pve: EmulatedPve) -> dict[str, Any]:
    guest = pve.control.guest(2002)
    assert guest is not None
    return guest


def _writes(pve: EmulatedPve) -> list[tuple[str, str]]:
    return [(r["method"], r["path"]) for r in pve.requests() if r["method"] != "GET"]


def test_an_empty_node_gets_the_declared_guest(pve: EmulatedPve, provision: Any) -> None:
    provision()
    guest = _guest(pve)
    config = guest["config"]
    assert guest["status"] == "running"
    assert (config["cores"], config["sockets"], config["cpu"]) == (8, 1, "host")
    assert int(config["memory"]) == int(config["balloon"]) == 8192
    assert "tag=20" in config["net0"]
    assert "bridge=vmbr1" in config["net0"]
    assert "size=32G" in config["scsi0"]
    assert "serial=labdbpgdata" in config["scsi1"]
    assert "size=250G" in config["scsi1"]
    assert "serial=labdbbackup" in config["scsi2"]
    assert config["ipconfig0"] == "ip=198.18.20.8/24,gw=198.18.20.1"
    assert config["tags"] == "db;infra;proj"


def test_protection_is_set_and_the_mark_of_creation_is_gone(
    pve: EmulatedPve, provision: Any
) -> None:
    provision()
    config = _guest(pve)["config"]
    assert config["protection"] == 1
    assert "creating" not in config["description"]


def test_protection_is_the_last_thing_that_is_written(pve: EmulatedPve, provision: Any) -> None:
    provision()
    last = [r for r in pve.requests() if r["method"] != "GET"][-1]
    assert str(last["params"]["protection"]) == "1"


def test_the_second_run_writes_nothing(pve: EmulatedPve, provision: Any) -> None:
    provision()
    pve.forget_requests()
    assert provision().done == ()
    assert _writes(pve) == []


def test_a_look_writes_nothing(pve: EmulatedPve, proxmox: Proxmox, server: Server) -> None:
    outcome = proxmox.look(server, KEYS, Options())
    assert outcome.plan.creates
    assert _writes(pve) == []
    assert pve.control.guest(2002) is None


def test_the_mac_address_of_the_clone_is_kept(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    provision()
    before = _guest(pve)["config"]["net0"].split(",")[0]
    provision(declare(guest__network__vlan=30))
    config = _guest(pve)["config"]
    assert config["net0"].split(",")[0] == before
    assert "tag=30" in config["net0"]


def test_a_larger_disk_grows_live(pve: EmulatedPve, provision: Any, declare: Any) -> None:
    provision()
    outcome = provision(declare(storage__data__size="300GB"))
    assert [(c.field, c.before, c.after, c.effect) for c in outcome.changes] == [
        ("size", "250G", "300G", Effect.LIVE)
    ]
    assert "size=300G" in _guest(pve)["config"]["scsi1"]


def test_more_cores_wait_for_the_next_boot(
    pve: EmulatedPve, provision: Any, declare: Any, proxmox: Proxmox
) -> None:
    provision()
    larger = declare(guest__cpu__cores=10)
    outcome = provision(larger)
    assert [c.effect for c in outcome.changes] == [Effect.NEXT_BOOT]
    assert "restart" not in " ".join(outcome.done)
    assert _guest(pve)["config"]["cores"] == 8
    plan = plan_guest(larger, proxmox.observe(larger), KEYS)
    assert plan.steps == ()
    assert [f.check for f in plan.findings] == ["pending"]


def test_a_restart_happens_only_when_it_is_allowed(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    provision()
    provision(declare(guest__cpu__cores=10), allow_restart=True)
    assert _guest(pve)["config"]["cores"] == 10


def test_a_change_for_cloud_init_is_shown_and_withheld(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    provision()
    pve.forget_requests()
    outcome = provision(declare(guest__network__search_domain="example.org"))
    assert [(c.field, c.effect) for c in outcome.plan.withheld] == [
        ("searchdomain", Effect.CLOUD_INIT)
    ]
    assert _writes(pve) == []


def test_a_change_for_cloud_init_is_made_when_allowed(
    pve: EmulatedPve, provision: Any, declare: Any
) -> None:
    provision()
    pve.forget_requests()
    provision(declare(guest__network__search_domain="example.org"), allow_cloud_init_rerun=True)
    assert _guest(pve)["config"]["searchdomain"] == "example.org"
    assert [path.rpartition("/")[2] for _, path in _writes(pve)] == ["config", "cloudinit"]


def test_a_client_that_is_gone_loses_its_rule_and_other_rules_stay(
    pve: EmulatedPve, provision: Any, declare: Any, proxmox: Proxmox, server: Server
) -> None:
    provision()
    base = "nodes/node06/qemu/2002/firewall/rules"
    foreign = {"type": "in", "action": "ACCEPT", "enable": 1, "proto": "tcp", "dport": "8080"}
    proxmox.session.change("POST", base, comment="somebody's", source="198.18.30.0/24", **foreign)
    clients = server.model_dump(mode="json")["access"]["clients"]
    smaller = declare(access__clients=clients[:1])
    provision(smaller)
    state = proxmox.observe(smaller)
    assert state.guest is not None
    rules = [(rule.port, rule.source) for rule in state.guest.firewall_rules]
    assert (8080, "198.18.30.0/24") in rules
    assert (5432, "198.18.10.0/24") not in rules
    assert (5432, "198.18.20.0/24") in rules


def test_a_first_run_makes_so_many_changes(pve: EmulatedPve, provision: Any) -> None:
    provision()
    assert len(_writes(pve)) == FIRST_RUN_CHANGES


@pytest.mark.parametrize("after", range(1, FIRST_RUN_CHANGES + 1))
def test_an_interrupted_run_is_taken_up_by_the_next(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, server: Server, after: int
) -> None:
    """The run dies before its *after*-th request that changes something."""
    change, count = proxmox.session.change, 0

    def dying(method: str, path: str, /, **parameters: Any) -> None:
        nonlocal count
        count += 1
        if count == after:
            raise KeyboardInterrupt
        change(method, path, **parameters)

    proxmox.session.change = dying  # type: ignore[method-assign]  # the run's sudden death
    with pytest.raises(KeyboardInterrupt):
        provision()
    proxmox.session.change = change  # type: ignore[method-assign]  # and the next run
    provision(run_id="second")
    assert plan_guest(server, proxmox.observe(server), KEYS).changes == ()
    clones = [path for _, path in _writes(pve) if path.endswith("/clone")]
    assert len(clones) == 1


def test_a_token_with_the_minimal_role_is_enough(
    pve: EmulatedPve, proxmox: Proxmox, provision: Any, server: Server
) -> None:
    held = proxmox.observe(server).permissions
    assert held is not None
    for name in {name for names in held.values() for name in names}:
        pve.control.revoke(name)
    for privilege in required(DesiredGuest.of(server), "9.0"):
        pve.control.grant(privilege.name, privilege.path)
    provision()
    assert _guest(pve)["status"] == "running"


@pytest.mark.parametrize(
    "name",
    [
        "Datastore.AllocateSpace",
        "SDN.Use",
        "Sys.Audit",
        "Sys.Modify",
        "VM.Allocate",
        "VM.Clone",
        "VM.Config.CPU",
        "VM.Config.Cloudinit",
        "VM.Config.Disk",
        "VM.Config.Memory",
        "VM.Config.Network",
        "VM.Config.Options",
        "VM.GuestAgent.Audit",
        "VM.GuestAgent.FileRead",
        "VM.PowerMgmt",
    ],
)
def test_a_right_that_the_token_lacks_is_named_before_anything_is_done(
    pve: EmulatedPve, provision: Any, name: str
) -> None:
    pve.control.revoke(name)
    with pytest.raises(LabdbError) as caught:
        provision()
    assert name in str(caught.value)
    assert "pveum" in caught.value.hint
    assert pve.control.guest(2002) is None


@pytest.mark.parametrize("name", ["Sys.Audit", "VM.Audit", "VM.Config.Disk", "Datastore.Audit"])
def test_whoever_does_what_the_message_says_gets_on(
    pve: EmulatedPve, provision: Any, name: str
) -> None:
    """One refusal for each path that needs it, and after the last remedy none."""
    pve.control.revoke(name)
    given: list[str] = []
    while len(given) < 10:
        try:
            provision()
        except LabdbError as error:
            line = shlex.split(error.hint.split(" && ")[1])
            given.append(line[line.index("modify") + 1])
            pve.control.grant(name, given[-1])
        else:
            break
    assert given
    assert len(set(given)) == len(given)
    assert _guest(pve)["status"] == "running"


def test_the_host_key_is_pinned_from_the_guests_own_agent(
    proxmox: Proxmox, provision: Any, server: Server, tmp_path: Any
) -> None:
    provision()
    known_hosts = tmp_path / "known_hosts"
    assert proxmox.pin_host_key(server, known_hosts, is_new=True)
    assert known_hosts.read_text().startswith("198.18.20.8 ssh-ed25519 AAAA")
    assert not proxmox.pin_host_key(server, known_hosts, is_new=False)
