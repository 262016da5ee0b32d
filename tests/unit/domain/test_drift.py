"""Declared and running parameters are compared by meaning, not by spelling."""

from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labdb.domain.drift import RunningParameter, differs, parameter_changes, set_by_hand
from labdb.report import Effect


@dataclass(frozen=True)
class Declared:
    name: str
    value: str
    reason: str = "because"
    context: str = "sighup"


def _row(
    setting: str, kind: str, unit: str | None = None, context: str = "sighup"
) -> RunningParameter:
    return RunningParameter("x", setting, unit, kind, context, shown=setting)


@pytest.mark.parametrize(
    ("text", "setting", "kind", "unit"),
    [
        ("2GB", "262144", "integer", "8kB"),
        ("2048MB", "262144", "integer", "8kB"),
        ("64MB", "65536", "integer", "kB"),
        ("1GB", "1024", "integer", "MB"),
        ("5min", "300", "integer", "s"),
        ("750ms", "750", "integer", "ms"),
        ("0.5s", "500", "integer", "ms"),
        ("750", "750", "integer", "ms"),
        ("-1", "-1", "integer", "kB"),
        ("2ms", "2", "real", "ms"),
        ("0.90", "0.9", "real", None),
        ("1.1", "1.1", "real", None),
        ("yes", "on", "bool", None),
        ("OFF", "off", "bool", None),
        ("LZ4", "lz4", "enum", None),
        ("localhost, 10.1.2.3", "localhost,10.1.2.3", "string", None),
        ("pg_stat_statements,auto_explain", "pg_stat_statements, auto_explain", "string", None),
    ],
)
def test_the_same_value_in_other_words_is_no_change(
    text: str, setting: str, kind: str, unit: str | None
) -> None:
    assert not differs(text, _row(setting, kind, unit))


@pytest.mark.parametrize(
    ("text", "setting", "kind", "unit"),
    [
        ("2GB", "262143", "integer", "8kB"),
        ("1min", "1", "integer", "s"),
        ("0.9", "0.5", "real", None),
        ("on", "off", "bool", None),
        ("zstd", "lz4", "enum", None),
        ("localhost", "*", "string", None),
        ("nonsense", "5", "integer", "s"),
    ],
)
def test_another_value_is_a_change(text: str, setting: str, kind: str, unit: str | None) -> None:
    assert differs(text, _row(setting, kind, unit))


@given(st.integers(1, 10_000), st.sampled_from([("kB", 1), ("MB", 1024), ("GB", 1024 * 1024)]))
def test_every_size_equals_itself_in_kilobytes(number: int, unit: tuple[str, int]) -> None:
    name, kilobytes = unit
    row = _row(str(number * kilobytes), "integer", "kB")
    assert not differs(f"{number}{name}", row)
    assert differs(f"{number}{name}", replace(row, setting=str(number * kilobytes + 1)))


def test_the_servers_own_context_decides_between_reload_and_restart() -> None:
    running = [
        replace(_row("1", "integer", context="postmaster"), name="max_connections"),
        replace(_row("1", "integer", context="user"), name="work_mem"),
    ]
    changes = parameter_changes(
        [Declared("max_connections", "200"), Declared("work_mem", "2", context="postmaster")],
        running,
    )
    assert [change.effect for change in changes] == [Effect.RESTART, Effect.RELOAD]
    assert changes[0].before == "1"
    assert changes[0].reason == "because"


def test_a_parameter_that_the_server_does_not_know_yet_is_new() -> None:
    (change,) = parameter_changes(
        [Declared("pg_stat_statements.max", "5000", context="postmaster")], []
    )
    assert (change.before, change.after, change.effect) == (None, "5000", Effect.RESTART)


def test_what_alter_system_has_set_is_told_and_not_promised() -> None:
    running = [
        replace(_row("5120", "integer", "kB"), name="work_mem", by_hand=True),
        replace(_row("1", "integer", context="postmaster"), name="max_connections"),
        replace(_row("7", "integer"), name="geqo_effort", by_hand=True),
    ]
    differing = parameter_changes(
        [
            Declared("work_mem", "4MB"),
            Declared("max_connections", "200"),
            Declared("geqo_effort", "7"),
        ],
        running,
    )
    changes, findings = set_by_hand(differing, running)
    assert [change.field for change in changes] == ["max_connections"]
    assert [finding.severity for finding in findings] == ["warning"]
    assert "ALTER SYSTEM RESET work_mem" in findings[0].hint


def test_no_difference_is_no_change() -> None:
    running = [replace(_row("200", "integer"), name="max_connections")]
    assert parameter_changes([Declared("max_connections", "200")], running) == ()
