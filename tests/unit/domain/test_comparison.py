"""All tuners are counted alike, and the comparison hides nothing in which they differ."""

from dataclasses import replace

import pytest
from hypothesis import assume, given
from tests.unit.domain.test_peers import LAB, MIXED
from tests.unit.domain.test_tuning import INPUTS

from labdb.domain.comparison import LABDB, NOT_COMPARED, Comparison, compare
from labdb.domain.parameters import MEMORY, lookup
from labdb.domain.peers import PEERS
from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.inputs import Load, Machine
from labdb.domain.tuning.promise import promise
from labdb.errors import DeclarationError
from labdb.spec import WorkloadKind

MB, GB = 1 << 20, 1 << 30
INPUTS_OF_THE_LAB = Inputs(LAB, MIXED)
# The survey's last line: shared_buffers and one sort in each of 200 connections.
ONE_SORT_EACH = {
    "pgtune": 2.9,
    "pgtune-dw": 2.9,
    "timescale": 2.8,
    "pigsty-olap": 14.5,
    "pigsty-oltp": 14.5,
    "autobase": 14.5,
    "tpa": 5.1,
    "pgconfig": 1.8,
}


def _compared(**options: list[str]) -> Comparison:
    return compare(PEERS, tune(INPUTS_OF_THE_LAB), INPUTS_OF_THE_LAB, **options)


@given(INPUTS)
def test_labdb_s_own_promise_is_its_budget(inputs: Inputs) -> None:
    tuning = tune(replace(inputs, accept_risk=True))
    parameters = {setting.name: setting.value for setting in tuning.settings}
    promised = promise(parameters, inputs, tuning.roles["analyst"])
    assert promised.total == tuning.budget.total
    assert promised.fits is (tuning.budget.missing == 0)


@pytest.mark.parametrize(("peer", "expected"), ONE_SORT_EACH.items())
def test_one_sort_each_is_what_the_survey_says(peer: str, expected: float) -> None:
    promised = promise(PEERS[peer](LAB, MIXED, 16), INPUTS_OF_THE_LAB)
    assert promised.one_sort_each / GB == pytest.approx(expected, abs=0.05)


def test_pgconfig_s_data_warehouse_promises_6_gb_in_sorts() -> None:
    olap = Inputs(LAB, Load(WorkloadKind.OLAP, 200, 4, 60 * GB))
    promised = promise(PEERS["pgconfig"](LAB, olap.load, 16), olap)
    assert promised.one_sort_each / GB == pytest.approx(6.0, abs=0.1)


def test_a_hash_in_each_session_of_pigsty_needs_fourteen_machines() -> None:
    promised = promise(PEERS["pigsty-olap"](LAB, MIXED, 16), INPUTS_OF_THE_LAB)
    sessions = 196 * (64 * MB * 8 + 8 * MB)
    analysts = (4 + 7) * 64 * MB * 8
    assert {line.name: line.size for line in promised.lines}["plain sessions"] == sessions
    assert {line.name: line.size for line in promised.lines}["analysts"] == analysts
    assert promised.total > 14 * 8 * GB > promised.memory
    assert not promised.fits


def test_labdb_and_stock_fit_the_lab_s_server_and_the_overcommitted_do_not() -> None:
    fits = {name: promised.fits for name, promised in _compared().promises.items()}
    assert fits[LABDB]
    assert fits["stock"]
    assert not any(fits[name] for name in ("pigsty-olap", "pigsty-oltp", "autobase"))


def test_a_stock_server_is_counted_with_the_hundred_connections_that_it_takes() -> None:
    assert _compared().promises["stock"].connections == 100
    assert _compared().promises["pgtune"].connections == 200


def test_what_postgresql_chooses_itself_is_counted() -> None:
    """wal_buffers = -1 is a 32nd of the buffers, autovacuum_work_mem = -1 maintenance's."""
    lines = {line.name: line.size for line in _compared().promises["stock"].lines}
    assert lines["wal_buffers"] == 4 * MB
    assert lines["autovacuum"] == 3 * 64 * MB
    large = promise({"shared_buffers": "4GB"}, INPUTS_OF_THE_LAB)
    assert {line.name: line.size for line in large.lines}["wal_buffers"] == 16 * MB


def test_workers_that_no_process_is_left_for_do_not_count() -> None:
    few = promise({"max_parallel_workers": "8", "max_worker_processes": "2"}, INPUTS_OF_THE_LAB)
    analysts = {line.name: line.size for line in few.lines}["analysts"]
    assert analysts == (4 + 2) * 4 * MB * 2


@given(INPUTS)
def test_a_row_is_shown_if_and_only_if_somebody_differs(inputs: Inputs) -> None:
    try:
        tuning = tune(inputs)
    except DeclarationError:
        assume(False)
    shown = compare(PEERS, tuning, inputs)
    own = {setting.name: setting.value for setting in tuning.settings}
    columns = [peer(inputs.machine, inputs.load, inputs.major) for peer in PEERS.values()]
    names = {name for column in (own, *columns) for name in column} - NOT_COMPARED
    differing = {
        name
        for name in names
        if len({_meant(column.get(name), name, inputs.major) for column in (own, *columns)}) > 1
    }
    assert {row.name for row in shown.rows if row.role is None} == differing


def _meant(text: str | None, name: str, major: int) -> object:
    parameter = lookup(name, major)
    try:
        value = parameter.parse(parameter.default if text is None else text)
    except ValueError:
        return text
    return value if isinstance(value, str) else value * MEMORY.get(parameter.unit, 1)


def test_the_same_meaning_is_shown_the_same_and_written_as_it_was() -> None:
    rows = {(row.name, row.role): row.cells for row in _compared().rows}
    buffers = rows["shared_buffers", None]
    assert (buffers["pgtune"].written, buffers["pigsty-olap"].written) == ("2GB", "2048MB")
    assert buffers["pgtune"].value == buffers["pigsty-olap"].value == "2GB"
    assert (buffers["stock"].written, buffers["stock"].value) == (None, "128MB")
    assert rows["autovacuum_naptime", None]["timescale"].value == "10s"
    assert rows["checkpoint_completion_target", None]["pigsty-olap"].value == "0.8"


def test_analysts_have_a_row_of_their_own_where_labdb_gives_them_more() -> None:
    rows = {(row.name, row.role): row.cells for row in _compared().rows}
    assert rows["work_mem", None][LABDB].value == "4MB"
    assert (
        rows["work_mem", "analyst"][LABDB].value
        == tune(INPUTS_OF_THE_LAB).roles["analyst"]["work_mem"]
    )
    assert rows["work_mem", "analyst"]["autobase"].value == "64MB"
    assert ("max_parallel_workers_per_gather", "analyst") not in rows


def test_one_parameter_can_be_asked_for_even_where_all_agree() -> None:
    one_peer = {"pgtune": PEERS["pgtune"]}
    tuning = tune(INPUTS_OF_THE_LAB)
    asked = compare(one_peer, tuning, INPUTS_OF_THE_LAB, only=["checkpoint_completion_target"])
    (row,) = asked.rows
    assert {cell.value for cell in row.cells.values()} == {"0.9"}
    assert not any(
        row.name == "checkpoint_completion_target"
        for row in compare(one_peer, tuning, INPUTS_OF_THE_LAB).rows
    )


@pytest.mark.parametrize("major", [16, 17, 18])
def test_every_major_can_be_compared(major: int) -> None:
    inputs = Inputs(Machine(32, 64 * GB, 500 * GB), MIXED, major)
    shown = compare(PEERS, tune(inputs), inputs)
    assert set(shown.promises) == {LABDB, *PEERS}
    cells = {row.name: row.cells for row in shown.rows if row.role is None}
    assert ("io_method" in cells) is (major == 18)
