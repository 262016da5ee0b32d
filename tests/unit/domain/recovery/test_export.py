"""An export counts when it gave back what was exported, and goes when it is old."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from labdb.domain.recovery.export import NAMED, Export, is_expired, metrics
from labdb.domain.recovery.exposition import Gauge, exposition
from labdb.report import Finding, Severity

NOW = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)


def _export(severity: Severity, *, database: str = "desi", days_ago: int = 0) -> Export:
    begin = (NOW - timedelta(days=days_ago)).isoformat()
    return Export(begin, database, "/x", 7, {}, (Finding("export", severity, "something"),))


@given(st.integers(0, 400), st.integers(1, 200))
def test_it_goes_when_it_is_older_than_declared(age: int, days: int) -> None:
    name = (NOW - timedelta(days=age)).strftime(NAMED)
    assert is_expired(name, days, NOW) == (age > days)


@given(st.text(max_size=30))
def test_a_folder_of_another_name_is_nobody_s_to_remove(name: str) -> None:
    try:
        datetime.strptime(name, NAMED).replace(tzinfo=UTC)
    except ValueError:
        assert not is_expired(name, 1, NOW)


def test_each_database_has_its_figures_and_its_last_success() -> None:
    lines = [
        _export("ok", days_ago=7).line(),
        _export("critical").line(),
        _export("ok", database="voids").line(),
    ]
    told = {
        (sample.name, sample.labels["database"]): sample.value
        for family in text_string_to_metric_families(metrics(lines))
        for sample in family.samples
    }
    assert told["labdb_export_passed", "desi"] == 0
    assert told["labdb_export_passed", "voids"] == 1
    success = (NOW - timedelta(days=7)).timestamp()
    assert told["labdb_export_last_success_timestamp_seconds", "desi"] == success


@given(st.text(max_size=20), st.floats(allow_nan=False, allow_infinity=False))
def test_whatever_a_label_says_prometheus_reads_it(label: str, value: float) -> None:
    text = exposition([Gauge("labdb_x", "Something.", {"name": label}, value)])
    (family,) = text_string_to_metric_families(text)
    assert family.samples[0].labels == {"name": label}
