"""Compare pgBackRest, as labdb configures it, with PostgreSQL's own tools, in one run.

python bench/backup/run.py [--scale 1] [--rounds 3] [--no-write]

A lab of the benchmark's own is made, with the declared server and its repository host, and the
DESI-shaped data are loaded (about 2.6 GB at scale 1). In each round everybody takes a turn, with
nothing of the disks in memory. Figures go to ``result.json`` and, as tables, to
``docs/explanation/backup-speed.md``. Needs root, Docker and the extra ``bench``.
"""

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

# A script finds its neighbours by the tree that it stands in.
sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
from bench.backup import report, steps
from bench.backup.guest import Guest
from bench.desi import survey

HERE = Path(__file__).resolve().parent
TOP = HERE.parents[1]
RANGE, PORT = "198.19", "18007"
SERVER, HOST = "proj-pg01", "proj-bak01"
CHANGED = 20
"""Each so manieth row is changed before a differential set: five in a hundred."""


Figures = dict[str, list[float]]


class Bench:
    """The benchmark's own lab."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inventory = folder / "inventory"
        self.guest = Guest(f"labdb-vm-{RANGE}-2002")
        self.environment = os.environ | {
            "LABDB_STATE": str(folder / "state"),
            "LABDB_LAB_NETWORK": RANGE,
            "LABDB_LAB_API_PORT": PORT,
        }
        skip = shutil.ignore_patterns("vault.yml")
        shutil.copytree(TOP / "inventories" / "lab", self.inventory, ignore=skip)
        for path in self.inventory.rglob("*.yml"):
            text = path.read_text(encoding="utf-8").replace("198.18.", f"{RANGE}.")
            path.write_text(text.replace("port: 8006", f"port: {PORT}"), encoding="utf-8")

    def labdb(self, *arguments: str) -> str:
        """Run labdb and return what it printed; it may find something to look at (1)."""
        command = [str(Path(sys.executable).parent / "labdb"), *arguments]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode not in (0, 1):
            sys.exit(f"{' '.join(arguments)} ended with {done.returncode}\n{done.stderr}")
        return done.stdout

    def on(self, machine: str, verb: str, *arguments: str) -> str:
        """Run labdb on a declared machine."""
        return self.labdb(*verb.split(), machine, "-i", str(self.inventory), *arguments)


def _load(bench: Bench, scale: float) -> None:
    guest = bench.guest
    for folder in (steps.PLACE, Path(steps.SCRATCH).parent):
        guest.run(f"install -d -o postgres -g postgres {folder}")
    # The declared client table lets nobody replicate; pg_basebackup has to.
    guest.run("echo local replication postgres peer >> /etc/postgresql/16/main/pg_hba.conf")
    guest.sql("SELECT pg_reload_conf()")
    guest.run(f"runuser -u postgres -- createdb {steps.DATABASE}")
    psql = f"runuser -u postgres -- psql -Xq -v ON_ERROR_STOP=1 -d {steps.DATABASE}"
    guest.run(f"{psql} -f -", stdin=TOP / "bench" / "tuning" / "schema.sql")
    for table in survey.write(bench.folder / "data", seed=1, scale=scale):
        path = bench.folder / "data" / f"{table.name}.copy"
        guest.run(f'{psql} -c "{table.copy_statement()}"', stdin=path)
    guest.run(f"{psql} -f -", stdin=TOP / "bench" / "tuning" / "indexes.sql")
    guest.sql("VACUUM (ANALYZE)", steps.DATABASE)
    shutil.rmtree(bench.folder / "data")


def _round(bench: Bench, figures: Figures, processor: Figures) -> None:
    guest = bench.guest

    def take(name: str, script: str) -> None:
        taken = guest.takes(script)
        figures.setdefault(name, []).append(taken.seconds)
        processor.setdefault(name, []).append(taken.processor)
        print(f"  {name}: {taken.seconds:.1f} s, processor {taken.processor:.1f} s", flush=True)

    for name, script in (steps.BACKUPS | steps.VARIANTS).items():
        take(name, script)
    for name, script in steps.RESTORES.items():
        guest.run(f"runuser -u postgres -- sh -ec '{steps.PREPARE}'")
        take(f"restore: {name}", script)
        if name == "pg_restore":
            guest.run("runuser -u postgres -- dropdb restored")
        else:
            guest.run(f"runuser -u postgres -- sh -c '{steps.STOP}'")
    begin = guest.sql("SELECT pg_current_wal_lsn()")
    guest.sql(
        f"UPDATE raw_catalogs.fastspecfit_galaxies SET z_err = z_err + 1e-9"
        f" WHERE targetid % {CHANGED} = 0",
        steps.DATABASE,
    )
    moment = guest.sql("SELECT clock_timestamp() AT TIME ZONE 'UTC'") + "+00"
    wal = int(guest.sql(f"SELECT pg_current_wal_lsn() - '{begin}'::pg_lsn"))
    figures.setdefault("wal", []).append(wal)
    guest.sql("SELECT txid_current(); SELECT pg_switch_wal()")
    guest.run(f"runuser -u postgres -- pgbackrest --stanza={steps.STANZA} check")
    guest.run(f"runuser -u postgres -- sh -ec '{steps.PREPARE}'")
    take("restore: pgbackrest to a moment", steps.pitr(moment))
    guest.run(f"runuser -u postgres -- sh -c '{steps.STOP}'")
    take("pgbackrest differential", steps.backrest("backup", more="--type=diff"))
    time.sleep(1)
    told = json.loads(bench.on(SERVER, "drill", "--json"))
    drilled = told["data"]["drill"]
    if drilled["verdict"] == "failed":
        sys.exit(f"the drill failed: {told['findings']}")
    figures.setdefault("drill: RTO", []).append(drilled["rto"])
    print(f"  drill: RTO {drilled['rto']:.1f} s", flush=True)


def _measure(bench: Bench, scale: float, rounds: int) -> dict[str, Any]:
    bench.labdb("lab", "up")
    for machine in (HOST, SERVER):
        bench.on(machine, "provision", "--yes")
    print("loading", flush=True)
    _load(bench, scale)
    size = int(bench.guest.sql("SELECT sum(pg_database_size(oid)) FROM pg_database"))
    figures: Figures = {}
    processor: Figures = {}
    for number in range(rounds):
        print(f"round {number + 1}: {size / (1 << 30):.2f} GB", flush=True)
        _round(bench, figures, processor)
    stored = {
        name: int(bench.guest.run(f"du -sb {path}").split()[0])
        for name, path in steps.SIZES.items()
    }
    sets = json.loads(bench.on(SERVER, "backup list", "--json"))["data"]["sets"]
    stored["pgbackrest full"] = next(
        item["stored"]
        for item in reversed(sets)
        if item["kind"] == "full" and item["repository"] == 1
    )
    return {
        "size": size,
        "scale": scale,
        "stored": stored,
        "seconds": {
            name: [round(value, 2) for value in values]
            for name, values in figures.items()
            if name != "wal"
        },
        "processor": {
            name: [round(value, 2) for value in values] for name, values in processor.items()
        },
        "cores": os.cpu_count(),
        "wal": round(statistics.median(figures["wal"])),
    }


def main(arguments: list[str]) -> int:
    """Measure, print the tables and the goals, and write both unless told not to."""
    parser = argparse.ArgumentParser(prog="python bench/backup/run.py")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args(arguments)
    bench = Bench(Path(tempfile.mkdtemp(prefix="labdb-bench-")))
    load = os.getloadavg()
    try:
        found = _measure(bench, given.scale, given.rounds)
    finally:
        bench.labdb("lab", "down")
        shutil.rmtree(bench.folder, ignore_errors=True)
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / (1 << 30)
    result = {
        "date": datetime.now(tz=UTC).strftime("%Y-%m-%d"),
        "machine": f"{os.cpu_count()} cores, {memory:.0f} GB, Linux {platform.machine()}",
        "load": f"{load[0]:.1f} before, {os.getloadavg()[0]:.1f} after",
        **found,
    }
    print(report.page(result))
    if not given.no_write:
        report.write(result, HERE / "result.json")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
