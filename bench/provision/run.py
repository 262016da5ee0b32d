"""Compare labdb with a plain shell script on the embedded lab, in one run.

python bench/provision/run.py [--no-write]

A lab of the benchmark's own is started beside any other: its own state, range and port.
In this order: everything is fetched once (image, mirror, apt's caches are warm), then the
shell script, ``labdb provision`` on an empty node, the same again, and ``labdb plan``
three times. Figures go to ``result.json`` and, as a table, to ``docs/explanation/speed.md``.
"""

import argparse
import json
import os
import platform
import re
import secrets
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.provision import measure
from bench.published import put

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
PAGE = TOP / "docs" / "explanation" / "speed.md"
RANGE, PORT = "198.19", "18007"
SERVER = "proj-pg01"
PLAIN = {"VMID": "2102", "NAME": "plain-pg01", "ADDRESS": f"{RANGE}.20.108"}
MEGABYTE = 1 << 20
PLANS = 3


@dataclass(frozen=True, slots=True)
class Bench:
    """The benchmark's own lab."""

    folder: Path
    environment: dict[str, str]

    @property
    def state(self) -> Path:
        """The lab's files."""
        return self.folder / "state" / "lab"

    def labdb(self, *arguments: str) -> list[str]:
        """Return the command line of labdb."""
        return [str(Path(sys.executable).parent / "labdb"), *arguments]

    def on_server(self, verb: str, *arguments: str) -> list[str]:
        """Return labdb's command line for the declared server."""
        return self.labdb(verb, SERVER, "-i", str(self.folder / "inventory"), *arguments)


def _inventory(folder: Path) -> None:
    skip = shutil.ignore_patterns("vault.yml")
    shutil.copytree(TOP / "inventories" / "lab", folder, ignore=skip)
    for path in folder.rglob("*.yml"):
        text = path.read_text(encoding="utf-8").replace("198.18.", f"{RANGE}.")
        # The script makes one machine, so labdb does: no repository off it.
        text = re.sub(r"    repositories:\n(?:      .*\n)+", "", text)
        path.write_text(text.replace("port: 8006", f"port: {PORT}"), encoding="utf-8")


def _must(measured: measure.Measured, name: str, *, allowed: tuple[int, ...] = (0,)) -> None:
    if measured.status not in allowed:
        sys.exit(f"{name} ended with {measured.status}\n{measured.stdout}")
    print(f"{name}: {measured.seconds:.1f} s", flush=True)


def _baseline(bench: Bench) -> measure.Measured:
    """Make a guest by curl and a server in it by SSH; return both as one measurement."""
    known_hosts = bench.folder / "known_hosts"
    key = str(bench.state / "ssh" / "id_ed25519")
    guest = {
        **PLAIN,
        "API": f"https://127.0.0.1:{PORT}",
        "CA": str(bench.state / "api" / "ca.pem"),
        "TOKEN_ID": "labdb@pve!lab",
        "TOKEN_FILE": str(bench.state / "api" / "token"),
        "NODE": "node06",
        "TEMPLATE": "9000",
        "GATEWAY": f"{RANGE}.20.1",
        "VLAN": "20",
        "DNS": f"{RANGE}.10.2 {RANGE}.20.2",
        "DOMAIN": "radioastronomy.io",
        "STORAGE": "nvmethin01",
        "CORES": "8",
        "MEMORY_MB": "8192",
        "SYSTEM_GB": "32",
        "DATA_GB": "250",
        "BACKUP_GB": "500",
        "KEY": key,
        "KNOWN_HOSTS": str(known_hosts),
    }
    first = measure.run(["bash", str(HERE / "guest.sh")], env=bench.environment | guest)
    _must(first, "  guest by curl")
    settings = {
        "NAME": PLAIN["NAME"],
        "ADDRESS": PLAIN["ADDRESS"],
        "FQDN": f"{PLAIN['NAME']}.radioastronomy.io",
        "MIRROR": f"http://{RANGE}.20.1:8480/pub/repos/apt",
        "PASSWORD": secrets.token_hex(16),
        "CIPHER": secrets.token_hex(32),
        "CLIENTS": f"{RANGE}.20.0/24 {RANGE}.10.0/24",
        "OPERATORS": f"{RANGE}.20.0/24 {RANGE}.10.0/24",
        "PROMETHEUS": f"{RANGE}.20.9",
    }
    head = "".join(f"export {name}='{value}'\n" for name, value in settings.items())
    ssh = ["ssh", "-i", key, "-o", f"UserKnownHostsFile={known_hosts}", "-o", "BatchMode=yes",
           "-o", "StrictHostKeyChecking=yes", f"labdb@{PLAIN['ADDRESS']}",
           "sudo", "bash", "-s"]  # fmt: skip
    script = head + (HERE / "server.sh").read_text(encoding="utf-8")
    second = measure.run(ssh, env=bench.environment, stdin=script)
    _must(second, "  server by SSH")
    return measure.Measured(
        first.seconds + second.seconds, 0, 0, max(first.tree, second.tree), second.stdout
    )


def _remove_plain(bench: Bench) -> None:
    """Take the baseline's guest away: two guests would share the host's memory."""
    token = (bench.state / "api" / "token").read_text(encoding="utf-8").strip()
    url = f"https://127.0.0.1:{PORT}/api2/json/nodes/node06/qemu/{PLAIN['VMID']}"
    for method, path in (("POST", "/status/stop"), ("DELETE", "")):
        subprocess.run(
            ["curl", "-sS", "--fail-with-body", "--cacert", bench.state / "api" / "ca.pem",
             "-H", "@-", "-X", method, url + path],
            input=f"Authorization: PVEAPIToken=labdb@pve!lab={token}\n",
            text=True, check=True, stdout=subprocess.DEVNULL,
        )  # fmt: skip
        subprocess.run(["sleep", "3"], check=True)


def _measure(bench: Bench) -> dict[str, measure.Measured]:
    env = bench.environment
    _must(measure.run(bench.labdb("lab", "up"), env=env), "lab up (not counted)")
    found = {"baseline": _baseline(bench)}
    _must(found["baseline"], "baseline")
    _remove_plain(bench)
    for name in ("first", "second"):
        found[name] = measure.run(bench.on_server("provision", "--yes"), env=env)
        _must(found[name], name, allowed=(0, 1))
    plans = [measure.run(bench.on_server("plan"), env=env) for _ in range(PLANS)]
    for plan in plans:
        _must(plan, "plan", allowed=(0, 1))
    middle = statistics.median(plan.seconds for plan in plans)
    found["plan"] = next(plan for plan in plans if plan.seconds == middle)
    return found


def _goals(seconds: dict[str, float], own: int) -> list[dict[str, Any]]:
    """Return each goal with its figure, and whether it is met."""
    rows = [
        ("first provision / shell script", seconds["first"] / seconds["baseline"], 3.0, ""),
        ("second provision / shell script", seconds["second"] / seconds["baseline"], 1.0, ""),
        ("second provision / first", seconds["second"] / seconds["first"], 0.25, ""),
        ("plan", seconds["plan"], 3.0, " s"),
        ("peak memory of the labdb process", own / MEGABYTE, 200.0, " MB"),
    ]
    return [
        {"goal": name, "figure": round(figure, 2), "limit": limit, "unit": unit,
         "met": figure <= limit}
        for name, figure, limit, unit in rows
    ]  # fmt: skip


def _table(result: dict[str, Any]) -> str:
    base = result["runs"]["baseline"]["seconds"]
    lines = [
        f"Measured {result['date']} on {result['machine']}; load average {result['load']}.\n",
        "| What | Seconds | Ratio to the script | labdb's process, peak | with children, peak |",
        "|---|---:|---:|---:|---:|",
    ]
    names = {
        "baseline": "plain shell script",
        "first": "`labdb provision`, empty node",
        "second": "`labdb provision`, nothing to do",
        "plan": "`labdb plan`, nothing to do (median of 3)",
    }
    for key, name in names.items():
        run = result["runs"][key]
        own = f"{run['own_mb']:.0f} MB" if run["own_mb"] else ""
        ratio = run["seconds"] / base
        lines.append(
            f"| {name} | {run['seconds']:.1f} | {ratio:.2f} | {own} | {run['tree_mb']:.0f} MB |"
        )
    lines += ["", "| Goal | Figure | Limit | |", "|---|---:|---:|---|"]
    for goal in result["goals"]:
        said = "met" if goal["met"] else "**not met**"
        unit = goal["unit"]
        lines.append(
            f"| {goal['goal']} | {goal['figure']:g}{unit} | {goal['limit']:g}{unit} | {said} |"
        )
    return "\n".join(lines) + "\n"


def _write(result: dict[str, Any]) -> None:
    (HERE / "result.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    put(PAGE, _table(result))


def main(arguments: list[str]) -> int:
    """Measure, print the table and the goals, and write both unless told not to."""
    parser = argparse.ArgumentParser(prog="python bench/provision/run.py")
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    folder = Path(tempfile.mkdtemp(prefix="labdb-bench-"))
    bench = Bench(
        folder,
        {
            "LABDB_STATE": str(folder / "state"),
            "LABDB_LAB_NETWORK": RANGE,
            "LABDB_LAB_API_PORT": PORT,
        },
    )
    _inventory(folder / "inventory")
    load = os.getloadavg()
    try:
        found = _measure(bench)
    finally:
        measure.run(bench.labdb("lab", "down"), env=bench.environment)
        shutil.rmtree(folder, ignore_errors=True)
    seconds = {name: run.seconds for name, run in found.items()}
    own = max(run.own for run in found.values())
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    result = {
        "date": datetime.now(tz=UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.machine()}",
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after",
        "runs": {
            name: {
                "seconds": round(run.seconds, 2),
                "own_mb": round(run.own / MEGABYTE, 1),
                "tree_mb": round(run.tree / MEGABYTE, 1),
            }
            for name, run in found.items()
        },
        "goals": _goals(seconds, own),
    }
    print(found["first"].stdout)
    print(_table(result))
    if not given.no_write:
        _write(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
