"""What-if flags win, nonsense is refused with one clear message, and the file reads back."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.adapters import inventory
from labdb.domain.parameters import lookup
from labdb.domain.peers import ALL, PEERS
from labdb.domain.tuning import Inputs
from labdb.errors import DeclarationError, UsageError
from labdb.operations import tune as operation
from labdb.report import Report
from labdb.size import parse_size
from labdb.spec import WorkloadKind

TOP = Path(__file__).parents[3]
ENTRY = re.compile(r"(?P<name>[A-Za-z_.]+) = '(?P<value>(?:[^'\\]|''|\\.)*)'")
MEANT = {"''": "'", "\\\\": "\\", "\\n": "\n"}


def _inputs(*by_hand: str, accept_risk: bool = False, **flags: Any) -> Inputs:
    return operation.inputs_for(None, flags, by_hand, accept_risk=accept_risk)


def _declared(*by_hand: str, **flags: Any) -> Inputs:
    declaration = inventory.load(TOP / "inventories" / "production", "proj-pg01")
    return operation.inputs_for(declaration, flags, by_hand)


def _value(report: Report, name: str) -> str:
    (value,) = [row["value"] for row in report.data["parameters"] if row["name"] == name]
    return str(value)


def _read(text: str) -> dict[str, str]:
    """Read a postgresql.conf as PostgreSQL does: comments, quotes and backslashes."""
    found: dict[str, str] = {}
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        entry = ENTRY.fullmatch(line)
        assert entry, line
        assert entry["name"] not in found, f"{entry['name']} stands there twice"
        found[entry["name"]] = re.sub(r"''|\\.", lambda match: MEANT[match.group()], entry["value"])
    return found


@pytest.mark.parametrize(
    ("flag", "asked", "name", "expected"),
    [
        ("memory", "16GB", "shared_buffers", "4GB"),
        ("cores", 2, "max_parallel_workers", "2"),
        ("medium", "hdd", "random_page_cost", "4.0"),
        ("workload", "oltp", "default_statistics_target", "100"),
        ("connections", 50, "max_connections", "50"),
        ("recovery_seconds", 60, "max_wal_size", "6GB"),
    ],
)
def test_a_flag_wins_over_the_declaration(
    flag: str, asked: object, name: str, expected: str
) -> None:
    assert _value(operation.tune(_declared()), name) != expected
    assert _value(operation.tune(_declared(**{flag: asked})), name) == expected


def test_a_value_set_by_hand_wins_over_the_computed_one() -> None:
    report = operation.tune(_declared("random_page_cost=1.5", "commit_delay=20"))
    assert _value(report, "random_page_cost") == "1.5"
    assert _value(report, "commit_delay") == "20"


@given(
    st.fixed_dictionaries(
        {
            "cores": st.integers(1, 1024),
            "memory": st.integers(1, 8 << 10).map("{}GB".format),
            "disk": st.integers(10, 1 << 20).map("{}GB".format),
            "medium": st.sampled_from(["nvme", "ssd", "hdd"]),
            "connections": st.integers(1, 10_000),
            "analysts": st.integers(1, 1000),
            "data": st.integers(0, 1 << 20).map("{}GB".format),
            "workload": st.sampled_from(WorkloadKind),
            "recovery_seconds": st.integers(30, 3600),
            "major": st.sampled_from([16, 17, 18]),
        }
    ).filter(lambda flags: flags["analysts"] <= flags["connections"])
)
def test_whatever_is_asked_the_answer_is_one_that_a_server_starts_with(
    flags: dict[str, Any],
) -> None:
    inputs = _inputs(accept_risk=True, **flags)
    report = operation.tune(inputs, compare=[ALL])
    values = {row["name"]: row["value"] for row in report.data["parameters"]}
    for name, value in values.items():
        lookup(name, inputs.major).parse(value)
    assert int(values["superuser_reserved_connections"]) < int(values["max_connections"])
    assert set(report.data["comparison"]["memory"]) == {"labdb", *PEERS}


@pytest.mark.parametrize(
    ("flag", "asked", "what", "hint"),
    [
        ("memory", "8gb", "--memory: unit 'gb' is not known", "did you mean 8GB?"),
        ("memory", "8 GiB", "--memory: unit 'GiB' is not known", "did you mean 8GB?"),
        ("memory", "8192", "--memory: '8192' has no unit: write 8192MB or 8192GB", ""),
        ("memory", "-8GB", "--memory: '-8GB' is not a size", ""),
        ("memory", "8.5GB", "--memory: '8.5GB' is not a size", ""),
        ("memory", "512MB", "--memory: must be at least 1GB, not 512MB", ""),
        ("memory", "900TB", "--memory: must be at most 8TB, not 900TB", ""),
        ("disk", "1GB", "--disk: must be at least 10GB, not 1GB", ""),
        ("disk", "", "--disk: '' is not a size", ""),
        ("wal_disk", "5MB", "--wal-disk: must be at least 1GB, not 5MB", ""),
        ("wal_disk", "5XB", "--wal-disk: unit 'XB' is not known", ""),
        ("data", "-1GB", "--data: '-1GB' is not a size", ""),
        ("wal_rate", "0MB", "--wal-rate: ", ""),
        ("cores", 0, "--cores: input should be greater than or equal to 1, got 0", ""),
        ("cores", -3, "--cores: input should be greater than or equal to 1, got -3", ""),
        ("connections", 0, "--connections: ", ""),
        ("analysts", 300, "300 analysts need as many connections", ""),
        ("analysts", -1, "--analysts: ", ""),
        ("recovery_seconds", 5, "--recovery-seconds: ", ""),
        ("workload", "olpa", "--workload: must be 'oltp', 'olap', 'mixed' or 'ingest'", "oltp?"),
        ("medium", "nvm", "--medium: must be 'nvme', 'ssd' or 'hdd'", "did you mean nvme?"),
        ("major", 15, "--major: must be 16, 17 or 18, not 15", ""),
    ],
)
def test_nonsense_is_refused_by_the_name_of_its_option(
    flag: str, asked: Any, what: str, hint: str
) -> None:
    with pytest.raises(DeclarationError) as caught:
        _inputs(**{flag: asked})
    assert caught.value.what.startswith(what)
    assert hint in caught.value.hint
    assert "\n" not in str(caught.value.what)
    with pytest.raises(DeclarationError, match=re.escape(what)):
        _declared(**{flag: asked})


def test_two_mistakes_are_told_at_once() -> None:
    with pytest.raises(DeclarationError) as caught:
        _inputs(memory="8gb", workload="olap_")
    assert "--memory" in caught.value.what
    assert "--workload" in caught.value.what


@pytest.mark.parametrize(
    ("by_hand", "what", "hint"),
    [
        ("wrk_mem=4MB", "wrk_mem: PostgreSQL 16 has no such parameter", "did you mean work_mem?"),
        ("io_workers=4", "io_workers: PostgreSQL 16 has no such parameter", ""),
        ("work_mem=lots", "work_mem: 'lots' is not a number", "unit kB"),
        ("work_mem=16mb", "work_mem: unit 'mb' is not known here", "unit kB"),
        ("work_mem=-1", "work_mem: -1 is outside 64", ""),
        ("jit=maybe", "jit: 'maybe' is neither on nor off", ""),
        ("fsync=off", "fsync: 'off' is refused", ""),
        ("max_connections=300", "max_connections: this is declared elsewhere", "max_connections"),
    ],
)
def test_a_value_by_hand_that_cannot_be_is_refused(by_hand: str, what: str, hint: str) -> None:
    with pytest.raises(DeclarationError) as caught:
        _inputs(by_hand)
    assert what in caught.value.what
    assert hint in caught.value.hint


@pytest.mark.parametrize("by_hand", ["work_mem", "=4MB", ""])
def test_a_value_by_hand_has_a_name_and_a_value(by_hand: str) -> None:
    with pytest.raises(UsageError, match="not NAME=VALUE"):
        _inputs(by_hand)


def test_a_value_by_hand_that_breaks_the_budget_is_refused_with_the_ways_out() -> None:
    with pytest.raises(DeclarationError) as caught:
        operation.tune(_inputs("work_mem=256MB"))
    assert "do not fit 8GB of memory" in caught.value.what
    for way in ("max_connections", "analytic_sessions", "memory", "work_mem", "--accept-risk"):
        assert way in caught.value.hint, way


def test_the_accepted_risk_is_told_in_the_report_and_in_the_file() -> None:
    report = operation.tune(_inputs("work_mem=256MB", accept_risk=True))
    assert report.exit_code == 1
    (finding,) = report.findings
    assert (finding.check, finding.severity) == ("memory", "warning")
    assert "the risk was accepted" in finding.what
    assert report.data["budget_total"] > report.data["memory"]
    assert "# warning: the memory budget does not hold" in operation.conf(report)


def test_a_risk_that_is_none_is_no_finding() -> None:
    report = operation.tune(_inputs(accept_risk=True))
    assert report.exit_code == 0
    assert report.findings == ()


def test_the_file_reads_back_as_what_was_computed() -> None:
    report = operation.tune(_declared())
    read = _read(operation.conf(report))
    assert read == {row["name"]: row["value"] for row in report.data["parameters"]}
    assert len(read) >= 55


def test_quotes_backslashes_and_ends_of_lines_survive_the_file() -> None:
    awkward = "it's %m\\n 100 %\nnext "
    report = operation.tune(_inputs(f"log_line_prefix={awkward}"))
    assert _read(operation.conf(report))["log_line_prefix"] == awkward.strip()


def test_every_value_in_the_file_has_its_reason_above_it() -> None:
    lines = operation.conf(operation.tune(_inputs())).splitlines()
    entries = [number for number, line in enumerate(lines) if line and line[0] != "#"]
    assert entries
    for number in entries:
        assert re.fullmatch(
            r"# .+ \((postmaster|sighup|superuser|user|(superuser-)?backend)\)", lines[number - 1]
        )


def test_an_explanation_says_formula_numbers_source_and_range() -> None:
    (row,) = operation.tune(_inputs(), explain=["SHARED_BUFFERS"]).data["parameters"]
    assert row["name"] == "shared_buffers"
    assert row["numbers"] == "8GB / 4"
    assert row["source"] == "section 20.4.1"
    assert row["restart"] is True
    assert (row["minimum"], row["unit"]) == (16, "8kB")


def test_what_labdb_does_not_compute_cannot_be_explained_but_its_default_is_named() -> None:
    with pytest.raises(UsageError) as caught:
        operation.tune(_inputs(), explain=["deadlock_timeout"])
    assert "labdb does not compute deadlock_timeout" in caught.value.what
    assert caught.value.why == "PostgreSQL's own default stands: 1000 ms"
    with pytest.raises(DeclarationError, match="no such parameter"):
        operation.tune(_inputs(), explain=["shard_buffers"])


def test_what_was_set_by_hand_can_be_explained() -> None:
    (row,) = operation.tune(_inputs("deadlock_timeout=2s"), explain=["deadlock_timeout"]).data[
        "parameters"
    ]
    assert row["value"] == "2s"


def test_a_comparison_stands_in_the_data() -> None:
    compared = operation.tune(_declared(), compare=["pgtune", "autobase"]).data["comparison"]
    assert compared["tuners"] == ["labdb", "pgtune", "autobase"]
    assert compared["memory"]["labdb"]["fits"] is True
    assert compared["memory"]["autobase"]["fits"] is False
    assert (
        sum(compared["memory"]["autobase"]["parts"].values())
        == compared["memory"]["autobase"]["worst_case"]
    )
    (work_mem,) = [
        row["values"]
        for row in compared["parameters"]
        if (row["name"], row["role"]) == ("work_mem", "analyst")
    ]
    assert work_mem["autobase"] == {"value": "64MB", "written": "64MB"}
    assert parse_size(work_mem["labdb"]["value"]) > parse_size("8MB")
    assert "comparison" not in operation.tune(_declared()).data


def test_an_explained_parameter_is_compared_alone() -> None:
    report = operation.tune(_inputs(), explain=["work_mem"], compare=["stock"])
    rows = report.data["comparison"]["parameters"]
    assert [(row["name"], row["role"]) for row in rows] == [
        ("work_mem", None),
        ("work_mem", "analyst"),
    ]


def test_an_unknown_tuner_is_refused_with_the_nearest() -> None:
    with pytest.raises(UsageError) as caught:
        operation.tune(_inputs(), compare=["timescaledb"])
    assert "did you mean timescale?" in caught.value.hint
