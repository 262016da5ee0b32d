"""Who is compared: each a set of parameters for the same machine and the same load."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS
from labdb.spec import WorkloadKind

MB, GB = UNITS["MB"], UNITS["GB"]
Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contender:
    """A named configuration; *roles* are settings by ``ALTER ROLE``, which only labdb has."""

    name: str
    parameters: Parameters
    source: str
    roles: Mapping[str, Parameters] = field(default_factory=dict)


def contenders(machine: Machine, load: Load) -> dict[str, Contender]:
    """Return every contender by name, computed for *machine* and *load*."""
    made = [make(machine, load) for make in MAKERS]
    return {one.name: one for one in made}


def _stock(_machine: Machine, _load: Load) -> Contender:
    return Contender("stock", {}, "PostgreSQL's own defaults")


def _pgtune(kind: str) -> Callable[[Machine, Load], Contender]:
    def make(machine: Machine, load: Load) -> Contender:
        memory, cores = machine.memory, machine.cores
        warehouse = kind == "dw"
        workers = cores if cores >= 4 else 8  # noqa: PLR2004 - below, PostgreSQL's default
        work_mem = (memory - memory // 4) / ((load.connections + workers) * 3) / 2
        work_mem *= 0.9 if load.data > memory else 1.3
        parallel = {
            "max_worker_processes": str(cores),
            "max_parallel_workers": str(cores),
            "max_parallel_workers_per_gather": str(-(-cores // 2)),
            "max_parallel_maintenance_workers": str(min(4, -(-cores // 2))),
        }
        return Contender(
            f"pgtune-{kind}",
            {
                "shared_buffers": _kb(memory // 4),
                "effective_cache_size": _kb(memory * 3 // 4),
                "work_mem": _kb(max(4 * MB, int(work_mem))),
                "maintenance_work_mem": _kb(min(8 * GB, memory // (8 if warehouse else 16))),
                "checkpoint_completion_target": "0.9",
                "wal_buffers": "16MB",
                "default_statistics_target": "500" if warehouse else "100",
                "random_page_cost": "4" if warehouse else "1.1",
                "effective_io_concurrency": "1000",
                "min_wal_size": "4GB" if warehouse else "1GB",
                "max_wal_size": "16GB" if warehouse else "4GB",
            }
            | (parallel if cores >= 4 else {}),  # noqa: PLR2004 - below, it gives none
            "PGTune, src/features/configuration/configurationSlice.js",
        )

    return make


def _timescale(machine: Machine, load: Load) -> Contender:
    memory, cores = machine.memory, machine.cores
    half = max(1, round(cores / 2))
    work_mem = memory / GB * 400 * MB / load.connections / half
    return Contender(
        "timescaledb-tune",
        {
            "shared_buffers": _kb(memory // 4),
            "effective_cache_size": _kb(memory * 3 // 4),
            "work_mem": _kb(max(64 << 10, int(work_mem))),
            "maintenance_work_mem": _kb(min(memory // 8, 2047 * MB)),
            "max_worker_processes": str(3 + 16 + cores),
            "max_parallel_workers": str(cores),
            "max_parallel_workers_per_gather": str(half),
            "wal_buffers": "16MB",
            "min_wal_size": "512MB",
            "max_wal_size": "1GB",
            "checkpoint_completion_target": "0.9",
            "default_statistics_target": "100",
            "random_page_cost": "1.1",
            "effective_io_concurrency": "256",
            "autovacuum_max_workers": "10",
            "autovacuum_naptime": "10",
            "jit": "off",
            "max_locks_per_transaction": "64",
        },
        "timescaledb-tune, pkg/pgtune",
    )


def _pigsty(machine: Machine, load: Load) -> Contender:
    memory, cores = machine.memory, machine.cores
    shared = memory // 4
    share = max(1, min(100, -(-machine.disk // (20 * GB))))
    return Contender(
        "pigsty-olap",
        {
            "shared_buffers": _kb(shared),
            "effective_cache_size": _kb(memory - shared),
            "work_mem": _kb(max(64 * MB, min(8 * GB, shared // load.connections))),
            "hash_mem_multiplier": "8",
            "maintenance_work_mem": _kb(shared // 2),
            "max_worker_processes": str(max(cores + 12, 20) + 8),
            "max_parallel_workers": str(-(-cores * 8 // 10)),
            "max_parallel_workers_per_gather": str(cores // 2),
            "max_parallel_maintenance_workers": str(-(-cores * 33 // 100)),
            "min_wal_size": f"{share}GB",
            "max_wal_size": f"{share * 4}GB",
            "max_slot_wal_keep_size": f"{share * 6}GB",
            "temp_file_limit": f"{share * 4}GB",
            "default_statistics_target": "1000",
            "random_page_cost": "1.1",
            "effective_io_concurrency": "200",
            "checkpoint_completion_target": "0.95",
            "checkpoint_timeout": "15min",
        },
        "Pigsty, roles/pgsql/templates/olap.yml",
    )


def _autobase(machine: Machine, _load: Load) -> Contender:
    memory, cores = machine.memory, machine.cores
    return Contender(
        "autobase",
        {
            "shared_buffers": _kb(memory // 4),
            "effective_cache_size": _kb(memory * 3 // 4),
            "work_mem": "64MB",
            "maintenance_work_mem": "512MB",
            "max_worker_processes": str(max(cores, 16)),
            "max_parallel_workers": str(max(cores // 2, 8)),
            "max_parallel_workers_per_gather": "2",
            "max_parallel_maintenance_workers": "2",
            "min_wal_size": "1GB",
            "max_wal_size": "8GB",
            "default_statistics_target": "1000",
            "random_page_cost": "1.1",
            "effective_io_concurrency": "200",
            "checkpoint_completion_target": "0.9",
            "checkpoint_timeout": "15min",
            "jit": "off",
        },
        "autobase, automation/roles/common/defaults/main.yml",
    )


def _pg_configurator(machine: Machine, load: Load) -> Contender:
    """Run the package itself."""
    command = [
        str(Path(sys.executable).parent / "pg-configurator"),
        f"--db-cpu={machine.cores}",
        f"--db-ram={machine.memory // GB}Gi",
        f"--db-size={load.data // GB}Gi",
        f"--db-disk-type={machine.medium.upper()}",
        "--db-duty=mixed",
        "--replication-mode=none",
        f"--min-conns={load.connections}",
        f"--max-conns={load.connections}",
        "--pg-version=16",
    ]
    text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return Contender("pg-configurator", parse(text), "pg-configurator, the package itself")


def _lab_file(_machine: Machine, _load: Load) -> Contender:
    return Contender(
        "lab-file",
        {
            "shared_buffers": "8GB",
            "effective_cache_size": "24GB",
            "maintenance_work_mem": "2GB",
            "work_mem": "256MB",
            "min_wal_size": "2GB",
            "max_wal_size": "8GB",
            "checkpoint_timeout": "15min",
            "checkpoint_completion_target": "0.9",
            "max_worker_processes": "8",
            "max_parallel_workers": "8",
            "max_parallel_workers_per_gather": "4",
            "max_parallel_maintenance_workers": "4",
            "random_page_cost": "1.1",
            "jit": "on",
            "default_statistics_target": "100",
            "statement_timeout": "0",
        },
        "the lab's committed postgresql.conf of proj-pg01, written for more memory",
    )


def _labdb(kind: WorkloadKind) -> Callable[[Machine, Load], Contender]:
    def make(machine: Machine, load: Load) -> Contender:
        wanted = Load(kind, load.connections, load.analysts, load.data)
        tuning = tune(Inputs(machine, wanted))
        return Contender(
            f"labdb-{kind}",
            {item.name: item.value for item in tuning.settings},
            f"labdb, {load.analysts} analysts declared",
            roles={role: dict(settings) for role, settings in tuning.roles.items()},
        )

    return make


MAKERS: tuple[Callable[[Machine, Load], Contender], ...] = (
    _stock,
    _pgtune("mixed"),
    _pgtune("dw"),
    _timescale,
    _pigsty,
    _autobase,
    _pg_configurator,
    _lab_file,
    _labdb(WorkloadKind.MIXED),
    _labdb(WorkloadKind.OLAP),
)


def parse(text: str) -> Parameters:
    """Return the parameters of the lines ``name = value`` in *text*.

    >>> parse("log_destination = 'csvlog'")
    {'log_destination': 'csvlog'}
    """
    lines = re.findall(r"^([A-Za-z_0-9.]+)\s*=\s*(.*?)\s*$", text, re.MULTILINE)
    return {name: value.removeprefix("'").removesuffix("'") for name, value in lines}


def _kb(size: int) -> str:
    return f"{size // 1024}kB"
