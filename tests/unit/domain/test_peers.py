"""Other tuners' formulas give the figures that the tools themselves give."""

from dataclasses import replace

import pytest
from hypothesis import given
from tests.unit.domain.test_tuning import LOADS, MACHINES

from labdb.domain.parameters import MEMORY, lookup
from labdb.domain.peers import ALL, PEERS, peers
from labdb.domain.peers.pgconfig import pgconfig
from labdb.domain.tuning.inputs import Load, Machine
from labdb.errors import UsageError
from labdb.spec import WorkloadKind

KB, MB, GB = 1 << 10, 1 << 20, 1 << 30
LAB = Machine(cores=8, memory=8 * GB, disk=250 * GB, medium="nvme")
LARGE = Machine(cores=8, memory=48 * GB, disk=250 * GB, medium="nvme")
# 60 GB of data: more than the memory of either machine.
MIXED = Load(WorkloadKind.MIXED, connections=200, analysts=4, data=60 * GB)
OLAP = Load(WorkloadKind.OLAP, connections=200, analysts=4, data=60 * GB)
# What a server without the library cannot be told: the catalogue's own has no liburing.
NEEDS_ANOTHER_BUILD = {("io_method", "io_uring")}
# A share of the memory with neither floor nor ceiling: PostgreSQL refuses below 64 kB.
KEEPS_TO_NO_RANGE = {("pgconfig", "work_mem")}

# The survey of the field: 8 cores, 8 GB, 250 GB NVMe, PostgreSQL 16, 200 connections. Sizes are
# in bytes; None says that the tool leaves the parameter to PostgreSQL.
PARALLEL = (
    "max_worker_processes",
    "max_parallel_workers",
    "max_parallel_workers_per_gather",
    "max_parallel_maintenance_workers",
)
ON_8_GB: dict[str, dict[str, float | str | None]] = {
    "pgtune": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 6 * GB,
        "work_mem": 4536 * KB,
        "maintenance_work_mem": 512 * MB,
        **dict(zip(PARALLEL, (8, 8, 4, 4), strict=True)),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 1000,
        "min_wal_size": 1 * GB,
        "max_wal_size": 4 * GB,
        "default_statistics_target": 100,
        "jit": "off",
        "temp_file_limit": None,
    },
    "pgtune-dw": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 6 * GB,
        "work_mem": 4536 * KB,
        "maintenance_work_mem": 1 * GB,
        **dict(zip(PARALLEL, (8, 8, 4, 4), strict=True)),
        "random_page_cost": 4.0,
        "effective_io_concurrency": 1000,
        "min_wal_size": 4 * GB,
        "max_wal_size": 16 * GB,
        "default_statistics_target": 500,
        "jit": None,
        "temp_file_limit": None,
    },
    "timescale": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 6 * GB,
        "work_mem": 4 * MB,
        "maintenance_work_mem": 1 * GB,
        **dict(zip(PARALLEL, (27, 8, 4, None), strict=True)),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 256,
        "min_wal_size": GB // 2,
        "max_wal_size": 1 * GB,
        "default_statistics_target": 100,
        "jit": "off",
        "temp_file_limit": None,
    },
    "pigsty-olap": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 6 * GB,
        "work_mem": 64 * MB,
        "hash_mem_multiplier": 8,
        "maintenance_work_mem": 1 * GB,
        **dict(zip(PARALLEL, (28, 7, 4, 3), strict=True)),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "min_wal_size": 13 * GB,
        "max_wal_size": 52 * GB,
        "max_slot_wal_keep_size": 78 * GB,
        "default_statistics_target": 1000,
        "jit": None,
        "temp_file_limit": 52 * GB,
    },
    "pigsty-oltp": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 6 * GB,
        "work_mem": 64 * MB,
        "hash_mem_multiplier": 8,
        "maintenance_work_mem": 512 * MB,
        **dict(zip(PARALLEL, (24, 4, 2, 3), strict=True)),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "min_wal_size": 13 * GB,
        "max_wal_size": 52 * GB,
        "max_slot_wal_keep_size": 78 * GB,
        "default_statistics_target": 400,
        "jit": None,
        "temp_file_limit": 13 * GB,
    },
    "autobase": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 6 * GB,
        "work_mem": 64 * MB,
        "maintenance_work_mem": 512 * MB,
        **dict(zip(PARALLEL, (16, 8, 2, 2), strict=True)),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "min_wal_size": 1 * GB,
        "max_wal_size": 8 * GB,
        "default_statistics_target": 1000,
        "jit": "off",
        "temp_file_limit": None,
    },
    "tpa": {
        "shared_buffers": 2 * GB,
        "effective_cache_size": 4 * GB,
        "work_mem": 16 * MB,
        "maintenance_work_mem": 64 * MB,
        # The survey says 8 processes: that is PostgreSQL's default, TPA writes none.
        **dict.fromkeys(PARALLEL),
        "random_page_cost": 4.0,
        "effective_io_concurrency": 1,
        "min_wal_size": None,
        "max_wal_size": None,
        "default_statistics_target": 100,
        "jit": None,
        "temp_file_limit": None,
    },
    "pgconfig": {
        "shared_buffers": 1 * GB,
        "effective_cache_size": 3 * GB,
        "maintenance_work_mem": 205 * MB,
        **dict(zip(PARALLEL, (8, 2, 2, None), strict=True)),
        "random_page_cost": 1.1,
        "effective_io_concurrency": 200,
        "min_wal_size": 2 * GB,
        "max_wal_size": 3 * GB,
        # The survey says 100: PostgreSQL's default, pgconfig writes none.
        "default_statistics_target": None,
        "jit": None,
        "temp_file_limit": None,
    },
}
ON_48_GB: dict[str, dict[str, float]] = {
    "pgtune": {
        "shared_buffers": 12 * GB,
        "effective_cache_size": 36 * GB,
        "maintenance_work_mem": 3 * GB,
    },
    "pigsty-olap": {
        "shared_buffers": 12 * GB,
        "effective_cache_size": 36 * GB,
        "work_mem": 64 * MB,
        "maintenance_work_mem": 6 * GB,
    },
    "timescale": {
        "shared_buffers": 12 * GB,
        "effective_cache_size": 36 * GB,
        "work_mem": 24 * MB,
        "maintenance_work_mem": 2047 * MB,
    },
}


def _amount(written: str, name: str) -> float | str:
    parameter = lookup(name, 16)
    value = parameter.parse(written)
    return value if isinstance(value, str) else value * MEMORY.get(parameter.unit, 1)


def _figures(table: dict[str, dict[str, float | str | None]]) -> list[tuple[str, str, object]]:
    return [(peer, name, value) for peer, row in table.items() for name, value in row.items()]


@pytest.mark.parametrize(("peer", "name", "expected"), _figures(ON_8_GB))
def test_a_peer_writes_on_8_gb_what_the_survey_says(
    peer: str, name: str, expected: float | str | None
) -> None:
    written = PEERS[peer](LAB, MIXED, 16)
    if expected is None:
        assert name not in written
    elif isinstance(expected, str):
        assert written[name] == expected
    else:
        # pgconfig's sizes are no whole megabytes; the survey rounds them.
        assert _amount(written[name], name) == pytest.approx(expected, rel=0.002)


@pytest.mark.parametrize(
    ("peer", "name", "expected"),
    [(peer, name, value) for peer, row in ON_48_GB.items() for name, value in row.items()],
)
def test_a_peer_writes_on_48_gb_what_the_survey_says(peer: str, name: str, expected: float) -> None:
    assert _amount(PEERS[peer](LARGE, MIXED, 16)[name], name) == expected


def test_pgtune_sorts_by_the_size_of_the_data() -> None:
    about = Load(WorkloadKind.MIXED, 200, 4, data=8 * GB)
    assert PEERS["pgtune"](LAB, about, 16)["work_mem"] == "5041kB"
    small = Load(WorkloadKind.MIXED, 200, 4, data=1 * GB)
    assert PEERS["pgtune"](LAB, small, 16)["work_mem"] == "6553kB"
    assert PEERS["pgtune-dw"](LAB, small, 16)["random_page_cost"] == "1.1"


def test_pgtune_gives_27_to_30_mb_on_48_gb() -> None:
    """The survey's range is that of its two readings: more data than memory, or as much."""
    about = Load(WorkloadKind.MIXED, 200, 4, data=48 * GB)
    assert PEERS["pgtune"](LARGE, MIXED, 16)["work_mem"] == "27222kB"
    assert PEERS["pgtune"](LARGE, about, 16)["work_mem"] == "30247kB"


def test_pgtune_and_pgconfig_go_by_the_workload() -> None:
    assert PEERS["pgtune"](LAB, OLAP, 16) == PEERS["pgtune-dw"](LAB, MIXED, 16)
    written = pgconfig(LAB, OLAP, 16)
    figures = {name: _amount(written[name], name) for name in written}
    assert figures["shared_buffers"] == 2 * GB
    assert figures["effective_cache_size"] == 6 * GB
    assert figures["work_mem"] == pytest.approx(20.5 * MB, rel=0.002)
    assert figures["maintenance_work_mem"] == pytest.approx(410 * MB, rel=0.002)
    assert _amount(pgconfig(LAB, MIXED, 16)["work_mem"], "work_mem") == pytest.approx(
        4.1 * MB, rel=0.002
    )


def test_timescale_fills_a_disk_that_it_is_told_of() -> None:
    """75 and 150 GB of WAL: what it makes of the lab's 250 GB, were they WAL's alone."""
    machine = Machine(8, 8 * GB, 250 * GB, "nvme", wal_disk=250 * GB)
    written = PEERS["timescale"](machine, MIXED, 16)
    assert (written["min_wal_size"], written["max_wal_size"]) == ("75GB", "150GB")


def test_timescale_leaves_a_single_core_alone() -> None:
    written = PEERS["timescale"](Machine(1, 1 * GB, 20 * GB), MIXED, 16)
    assert not set(PARALLEL) & set(written)
    assert written["wal_buffers"] == "7864kB"


def test_stock_writes_nothing() -> None:
    assert PEERS["stock"](LAB, MIXED, 16) == {}


@pytest.mark.parametrize("peer", PEERS)
@given(machine=MACHINES, load=LOADS)
def test_a_peer_writes_what_postgresql_takes(peer: str, machine: Machine, load: Load) -> None:
    for major in (16, 17, 18):
        for name, text in PEERS[peer](machine, load, major).items():
            parameter = lookup(name, major)
            assert parameter.name == name
            if (peer, name) in KEEPS_TO_NO_RANGE:
                parameter = replace(parameter, minimum=None, maximum=None)
            if (name, text) not in NEEDS_ANOTHER_BUILD:
                parameter.parse(text)


def test_peers_are_chosen_by_name_each_once() -> None:
    assert list(peers(["timescale", "stock", "timescale"])) == ["timescale", "stock"]
    assert list(peers([ALL])) == list(PEERS)
    assert list(peers([])) == []


def test_an_unknown_peer_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="pgtunes") as caught:
        peers(["pgtune", "pgtunes"])
    assert "did you mean pgtune?" in caught.value.hint
