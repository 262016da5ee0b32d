"""A drill's verdict is its worst finding; its figures are what node_exporter reads."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from labdb.domain.recovery.drill import Drill, metrics, random_moment
from labdb.report import Finding, Severity

BEGIN = datetime(2026, 1, 1, tzinfo=UTC)
MOMENTS = st.floats(0, 365 * 86400).map(lambda seconds: BEGIN + timedelta(seconds=seconds))


def _drill(
    *severities: Severity, begin: str = "2026-11-22T06:00:00+00:00", **more: object
) -> Drill:
    findings = tuple(Finding("x", severity, "something") for severity in severities)
    return Drill(begin, "proj-pg01", findings, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("severities", "verdict"),
    [
        (("ok", "info"), "passed"),
        (("ok", "warning"), "unproven"),
        (("warning", "critical", "ok"), "failed"),
    ],
)
def test_the_verdict_is_the_worst_finding(severities: tuple[Severity, ...], verdict: str) -> None:
    assert _drill(*severities).verdict == verdict
    assert _drill(*severities, refused=True).verdict == "refused"


def test_waiting_for_the_data_counts_and_checking_them_does_not() -> None:
    phases = {
        "restore": 60.0,
        "replay to the record": 5.0,
        "fingerprints": 300.0,
        "replay to the target": 2.5,
        "amcheck": 100.0,
    }
    assert _drill("ok", phases=phases).rto == 67.5


@given(MOMENTS, MOMENTS, st.integers(0, 1 << 32))
def test_a_random_moment_lies_between_and_comes_again_with_its_seed(
    one: datetime, other: datetime, seed: int
) -> None:
    first, last = sorted((one, other))
    moment = random_moment(first, last, seed)
    assert first <= moment <= last
    assert random_moment(first, last, seed) == moment
    assert random_moment(last, first, seed) == last


def test_the_figures_are_the_newest_drill_s_and_the_last_success_stays() -> None:
    good = _drill("ok", phases={"restore": 60.0, "amcheck": 1.0}, size=7 << 30).line()
    bad = _drill("critical", begin="2026-11-29T06:00:00+00:00").line()
    text = metrics([good, bad])
    told = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert told["labdb_drill_passed"] == 0
    first, second = (datetime.fromisoformat(item["begin"]).timestamp() for item in (good, bad))
    assert told["labdb_drill_last_success_timestamp_seconds"] == first
    assert told["labdb_drill_last_timestamp_seconds"] == second
    newest = metrics([bad, good])
    assert 'labdb_drill_phase_seconds{stanza="proj-pg01",phase="restore"} 60' in newest
    assert f'labdb_drill_restored_bytes{{stanza="proj-pg01"}} {7 << 30}' in newest
