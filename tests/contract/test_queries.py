"""The library of queries holds what its files promise, and says what the benchmark says."""

import re
from pathlib import Path

import pytest

from labdb.adapters import query_library
from labdb.adapters.query_library import LibraryQuery
from labdb.domain.queries.settings import settings

BENCH = Path(__file__).parents[2] / "bench" / "tuning" / "queries"
QUERIES = [query_library.load(name) for name in query_library.names()]


@pytest.fixture(params=QUERIES, ids=lambda one: one.name)
def query(request: pytest.FixtureRequest) -> LibraryQuery:
    found: LibraryQuery = request.param
    return found


def test_the_lab_s_questions_are_there() -> None:
    """The typical research queries of the lab, each by the query that answers it."""
    assert {
        "cone-search", "voids-near", "galaxies-around-void", "void-members", "sphere-members",
        "mass-function", "main-sequence", "quenched-fraction", "control-sample", "knn-density",
        "voids-in-common", "void-sizes", "ssfr-d4000-cut", "exposures-per-night", "cross-match",
    } <= set(query_library.names())  # fmt: skip


def test_parameters_are_bound_and_declared(query: LibraryQuery) -> None:
    assert set(re.findall(r"%\((\w+)\)s", query.sql)) == set(query.about.parameters)
    assert "%" not in re.sub(r"%\(\w+\)s", "", query.sql)


def test_tables_are_named_by_their_roles_only(query: LibraryQuery) -> None:
    named = {name.removesuffix("_name") for name in re.findall(r"\{(\w+)\}", query.sql)}
    assert named == set(query.about.tables)


def test_a_limit_can_follow(query: LibraryQuery) -> None:
    last = query.sql.rpartition("\n ORDER BY")[2]
    assert "ORDER BY" in query.sql
    assert not re.search(r"\blimit\b|;|\)\s*$", last, re.IGNORECASE)


def test_the_extension_is_asked_for_where_it_is_used(query: LibraryQuery) -> None:
    assert ("labdb." in query.sql) == ("labdb" in query.about.extensions)


def test_defaults_are_values_that_could_be_given(query: LibraryQuery) -> None:
    for name, one in query.about.parameters.items():
        if one.default is not None:
            assert settings({name: one}, [f"{name}={one.default}"]) == {name: one.default}
        assert one.what.endswith(".")


def test_the_benchmark_calls_the_same_galaxies_quenched() -> None:
    about = query_library.load("quenched-fraction").about
    text = (BENCH / "quenched_fraction.sql").read_text(encoding="utf-8")
    assert f"d4000 > {about.parameters['d4000'].default}" in text
    assert f"logmstar - {-int(about.parameters['log_ssfr'].default or 0)}" in text
    for cut in ("logmstar BETWEEN 6 AND 13", "d4000 BETWEEN 0.5 AND 5"):
        assert cut in text
        assert cut in query_library.load("quenched-fraction").sql.replace(
            "dn4000", "d4000"
        ).replace("g.", "")


def test_the_benchmark_has_the_same_green_valley() -> None:
    defaults = {
        name: one.default
        for name, one in query_library.load("ssfr-d4000-cut").about.parameters.items()
    }
    text = (BENCH / "green_valley.sql").read_text(encoding="utf-8")
    assert f"d4000 BETWEEN {defaults['d4000_min']} AND {defaults['d4000_max']}" in text
    assert f"logmstar BETWEEN {defaults['mass_min']} AND {defaults['mass_max']}" in text
    low, high = (float(defaults[f"log_ssfr_{end}"] or 0) for end in ("min", "max"))
    assert f"10.0 ^ (logmstar - {-low:g}) AND 10.0 ^ (logmstar - {-high:g})" in text
