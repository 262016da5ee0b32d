"""An independent tuner, pg-configurator, agrees within a factor of two, or the reason is here.

It is run as it is installed, as a program that prints JSON. Where labdb differs by more, the
table of reasons says why; a reason that nothing needs any more is refused as well.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

import pytest

from labdb.domain.comparison import NOT_COMPARED
from labdb.domain.parameters import MEMORY, lookup
from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.inputs import Load, Machine, Medium
from labdb.spec import WorkloadKind

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
OLTP, OLAP, MIXED, INGEST = (WorkloadKind(kind) for kind in ("oltp", "olap", "mixed", "ingest"))
DUTY = {OLTP: "oltp", OLAP: "statistic", MIXED: "mixed", INGEST: "statistic"}
MEDIUM = {"nvme": "NVME", "ssd": "SSD", "hdd": "SATA"}
WAL_RATE = 4 * MB
"""A second: what the oracle assumes where nobody measured it."""

REASONS = {
    "work_mem": "counted for every connection at once; the oracle counts min(N, 2 x cores)",
    "work_mem of analysts": "a role of its own, sized by the declared analysts; the oracle has "
    "one size for all sessions, for four sorts in each",
    "temp_buffers": "counted in the budget for every connection; temporary tables are few",
    "maintenance_work_mem": "catalogues are indexed after each load: one build at a time has a "
    "16th of the memory, counted in the budget; the oracle shares a 20th among four",
    "vacuum_buffer_usage_limit": "a small ring flushes WAL for every few pages; 128 MB is what "
    "a load's vacuum needs",
    "default_statistics_target": "the oracle goes to 5000 with the size of the data; ANALYZE "
    "then reads 1.5 million rows of each table, and every plan reads the histograms",
    "parallel_tuple_cost": "measured (bench/assumptions): 0.03; the oracle keeps the default, "
    "which leaves large sorts to one process",
    "jit": "compiling costs more than it saves on queries of seconds",
    "max_parallel_workers": "every core may help, and each counts in the budget; the oracle "
    "keeps half of them for other sessions",
    "max_worker_processes": "follows from max_parallel_workers",
    "maintenance_io_concurrency": "vacuum and index builds read ahead as far as queries do",
    "max_wal_size": "15 minutes of WAL for every load; the oracle's statistics duty takes 30",
    "min_wal_size": "a quarter of max_wal_size",
    "max_slot_wal_keep_size": "a forgotten slot must not fill the disk; the oracle, without "
    "replication, has no slot and writes 0",
    "wal_buffers": "bulk loads write WAL in large pieces: up to 64 MB, PostgreSQL's own -1 ends "
    "at 16 MB",
    "wal_compression": "PostgreSQL's packages are built with lz4; the oracle knows no build",
    "default_toast_compression": "the same: lz4 is in every package that labdb installs",
    "max_locks_per_transaction": "a dump locks every partition of a time series at once",
    "autovacuum_max_workers": "three, counted in the budget; the oracle has up to ten",
    "autovacuum_vacuum_scale_factor": "5 % of a table that is loaded in bulk, seldom updated",
    "autovacuum_vacuum_insert_scale_factor": "the same for what is only appended",
    "autovacuum_analyze_scale_factor": "2 %: statistics at a finer target cost more to gather",
    "autovacuum_vacuum_cost_limit": "a spinning disk keeps PostgreSQL's own 200",
    "statement_timeout": "set by role: a dump must not be cut off",
    "lock_timeout": "set by role: analysts wait, applications do not",
    "idle_in_transaction_session_timeout": "set by role: 1 minute for applications, half an "
    "hour for a notebook; this is for the rest",
    "client_connection_check_interval": "a cancelled notebook frees its cores in ten seconds",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A machine and a load that both tuners are asked about."""

    cores: int
    memory: int
    medium: Medium
    kind: WorkloadKind
    connections: int
    analysts: int
    data: int

    @property
    def inputs(self) -> Inputs:
        machine = Machine(self.cores, self.memory * GB, 4096 * GB, self.medium)
        load = Load(self.kind, self.connections, self.analysts, self.data * GB, WAL_RATE)
        return Inputs(machine, load)

    def __str__(self) -> str:
        return f"{self.cores}c-{self.memory}GB-{self.medium}-{self.kind}"


GRID = [
    Case(2, 4, "ssd", OLTP, connections=50, analysts=2, data=20),
    Case(4, 8, "hdd", INGEST, connections=60, analysts=2, data=60),
    Case(4, 16, "ssd", MIXED, connections=100, analysts=4, data=60),
    Case(8, 8, "nvme", MIXED, connections=200, analysts=4, data=60),
    Case(8, 48, "nvme", OLAP, connections=200, analysts=8, data=100),
    Case(16, 64, "nvme", OLTP, connections=300, analysts=4, data=200),
    Case(16, 64, "nvme", OLAP, connections=300, analysts=8, data=200),
    Case(32, 128, "nvme", MIXED, connections=500, analysts=16, data=500),
    Case(64, 256, "nvme", OLAP, connections=500, analysts=32, data=1000),
]


@cache
def _oracle(*options: str) -> Mapping[str, str]:
    """Return what pg-configurator would write for PostgreSQL 16 without a standby."""
    printed = subprocess.run(
        [sys.executable, "-m", "pg_configurator", "--pg-version=16", "--replication-mode=none",
         "--output-format=json", *options],
        check=True,
        capture_output=True,
        text=True,
    ).stdout  # fmt: skip
    written = json.loads(printed)["postgresql_conf"]
    return {name: str(value).strip("'") for name, value in written.items()}


def _asked_about(case: Case) -> Mapping[str, str]:
    return _oracle(
        f"--db-cpu={case.cores}",
        f"--db-ram={case.memory}Gi",
        f"--db-size={case.data}Gi",
        f"--db-disk-type={MEDIUM[case.medium]}",
        f"--db-duty={DUTY[case.kind]}",
        f"--min-conns={case.connections}",
        f"--max-conns={case.connections}",
        f"--peak-wal-rate={WAL_RATE // MB}Mi",
    )


def _far_apart(case: Case) -> set[str]:
    """Return the parameters that both write, and on which they differ by more than two."""
    tuning, other = tune(case.inputs), _asked_about(case)
    own = {setting.name: setting.value for setting in tuning.settings}
    both = (own.keys() & other.keys()) - NOT_COMPARED
    assert len(both) > 30, "the oracle is not asked about what labdb computes"
    far = {name for name in both if not _close(name, own[name], other[name])}
    if not _close("work_mem", tuning.roles["analyst"]["work_mem"], other["work_mem"]):
        far.add("work_mem of analysts")
    return far


def _close(name: str, own: str, other: str) -> bool:
    parameter = lookup(name, 16)
    mine, its = parameter.parse(own), parameter.parse(other)
    if isinstance(mine, str) or isinstance(its, str) or mine <= 0 or its <= 0:
        return mine == its
    return its / 2 <= mine <= its * 2


@pytest.mark.parametrize("case", GRID, ids=str)
def test_labdb_is_within_a_factor_of_two_of_the_oracle_or_says_why(case: Case) -> None:
    assert sorted(_far_apart(case) - REASONS.keys()) == []


def test_no_reason_is_left_over() -> None:
    needed: set[str] = set().union(*(_far_apart(case) for case in GRID))
    assert sorted(REASONS.keys() - needed) == []


# The survey of the field: 8 cores, 8 GB and 48 GB, 250 GB NVMe, 200 connections.
SURVEY: dict[int, dict[str, float | str]] = {
    8: {
        "shared_buffers": 1779 * MB,
        "effective_cache_size": 2973 * MB,
        "work_mem": 10 * MB,
        "maintenance_work_mem": 88 * MB,
        "autovacuum_work_mem": 118 * MB,
        "max_worker_processes": 9,
        "max_parallel_workers": 3,
        "max_parallel_workers_per_gather": 3,
        "max_parallel_maintenance_workers": 3,
        "random_page_cost": 1.39,
        "effective_io_concurrency": 256,
        "min_wal_size": 1800 * MB,
        "max_wal_size": 7200 * MB,
        "default_statistics_target": 500,
        "jit": "on",
    },
    48: {
        "shared_buffers": 10 * GB,
        "effective_cache_size": 28 * GB,
        "work_mem": 64 * MB,
        "maintenance_work_mem": 549 * MB,
    },
}


@pytest.mark.parametrize(("memory", "figures"), SURVEY.items())
def test_the_oracle_is_the_one_of_the_survey(memory: int, figures: dict[str, float | str]) -> None:
    written = _oracle(
        "--db-cpu=8", f"--db-ram={memory}Gi", "--db-size=250Gi", "--db-disk-type=NVME",
        "--min-conns=200", "--max-conns=200",
    )  # fmt: skip
    found = {name: _amount(name, written[name]) for name in figures}
    assert found == figures
    assert "temp_file_limit" not in written


def test_the_oracle_would_rather_take_fewer_connections() -> None:
    written = _oracle("--db-cpu=8", "--db-ram=8Gi", "--db-size=250Gi", "--db-disk-type=NVME")
    assert written["max_connections"] == "48"


def _amount(name: str, text: str) -> float | str:
    parameter = lookup(name, 16)
    value = parameter.parse(text)
    return value if isinstance(value, str) else value * MEMORY.get(parameter.unit, 1)
