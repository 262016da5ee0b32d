"""Who is compared: each a set of parameters for the same machine and the same load."""

import re
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from labdb.domain.peers import PEERS
from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.inputs import Load, Machine
from labdb.size import UNITS
from labdb.spec import WorkloadKind

GB = UNITS["GB"]
MAJOR = 16
STATISTICS = "statistics"
Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Contender:
    """A named configuration; *roles* are settings by ``ALTER ROLE``, which only labdb has.

    With *statistics*, the database has those of ``statistics.sql`` besides.
    """

    name: str
    parameters: Parameters
    source: str
    roles: Mapping[str, Parameters] = field(default_factory=dict)
    statistics: bool = False


def contenders(machine: Machine, load: Load) -> dict[str, Contender]:
    """Return every contender by name, computed for *machine* and *load*."""
    made = [make(machine, load) for make in MAKERS]
    return {one.name: one for one in made}


def choose(known: Mapping[str, Contender], names: str) -> tuple[Contender, ...]:
    """Return the contenders in *names*, which commas separate; all of them for no names.

    ``stock+work_mem=64MB`` is stock with another value, ``labdb-mixed+analyst.work_mem=64MB``
    labdb with another setting of a role: what would this one value do? ``labdb-mixed+statistics``
    is labdb in a database with extended statistics.

    Raises:
        KeyError: there is no such contender.
    """
    if not names:
        return tuple(known.values())
    chosen = [name.split("+") for name in names.split(",")]
    return tuple(_changed(known[name], changes) for name, *changes in chosen)


def _changed(contender: Contender, changes: Sequence[str]) -> Contender:
    parameters = dict(contender.parameters)
    roles = {role: dict(settings) for role, settings in contender.roles.items()}
    for change in changes:
        if change == STATISTICS:
            continue
        name, _, value = change.partition("=")
        role, _, setting = name.rpartition(".")
        if role:
            roles.setdefault(role, {})[setting] = value
        else:
            parameters[name] = value
    name = "+".join([contender.name, *changes])
    return Contender(name, parameters, contender.source, roles, STATISTICS in changes)


def _peer(name: str, source: str) -> Callable[[Machine, Load], Contender]:
    """Return what makes the contender of labdb's own reading of another tuner."""

    def make(machine: Machine, load: Load) -> Contender:
        written = PEERS[name](machine, load, MAJOR)
        return Contender("pgtune-mixed" if name == "pgtune" else name, written, source)

    return make


def _pg_configurator(machine: Machine, load: Load) -> Contender:
    """Run the package itself."""
    command = [
        sys.executable,
        "-m",
        "pg_configurator",
        f"--db-cpu={machine.cores}",
        f"--db-ram={machine.memory // GB}Gi",
        f"--db-size={load.data // GB}Gi",
        f"--db-disk-type={machine.medium.upper()}",
        "--db-duty=mixed",
        "--replication-mode=none",
        f"--min-conns={load.connections}",
        f"--max-conns={load.connections}",
        f"--pg-version={MAJOR}",
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
        tuning = tune(Inputs(machine, wanted, MAJOR))
        return Contender(
            f"labdb-{kind}",
            {item.name: item.value for item in tuning.settings},
            f"labdb, {load.analysts} analysts declared",
            roles={role: dict(settings) for role, settings in tuning.roles.items()},
        )

    return make


MAKERS: tuple[Callable[[Machine, Load], Contender], ...] = (
    _peer("stock", "PostgreSQL's own defaults"),
    _peer("pgtune", "PGTune, profile mixed"),
    _peer("pgtune-dw", "PGTune, profile data warehouse"),
    _peer("timescale", "timescaledb-tune"),
    _peer("pigsty-olap", "Pigsty, template olap"),
    _peer("autobase", "autobase, role defaults"),
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
