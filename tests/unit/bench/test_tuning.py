"""The comparison is fair, goes on where it stopped, and says what went wrong."""

import json
from pathlib import Path
from typing import Any

import pytest
from bench.tuning import configuration, figures, goals, plans, queries, report
from bench.tuning.cgroup import Cgroup, Usage
from bench.tuning.contenders import Contender, choose, contenders, parse
from bench.tuning.goals import OURS
from bench.tuning.progress import Progress
from bench.tuning.results import Results, Unit

from labdb.domain.parameters import lookup
from labdb.domain.tuning.inputs import Load, Machine
from labdb.spec import WorkloadKind

GB = 1 << 30
LAB = Machine(cores=8, memory=8 * GB, disk=250 * GB)
LOAD = Load(WorkloadKind.MIXED, connections=200, analysts=50, data=60 * GB)
ABOUT = {"when": "2026-11-25T00:00:00", "machine": "2 cores", "scale": 1, "load": 0.1}


def test_there_are_at_least_sixteen_queries_in_four_classes() -> None:
    found = queries.load()
    assert len(found) >= 16
    assert {query.kind for query in found} == set(queries.CLASSES)


def test_equal_seeds_draw_equal_parameters() -> None:
    first, second = queries.Draws(1, 0.05), queries.Draws(1, 0.05)
    other = queries.Draws(2, 0.05)
    for query in queries.load():
        drawn = first.of(query)
        assert len(drawn) == query.draws
        assert second.of(query) == drawn
        if query.parameters:
            assert set(drawn[0]) == set(query.parameters)
        if query.draws > 1:
            assert other.of(query) != drawn
            assert first.of(query, stream=1) != drawn


def test_galaxies_that_are_looked_up_exist() -> None:
    from bench.desi import galaxies  # noqa: PLC0415 - only here

    query = next(one for one in queries.load() if one.name == "galaxies_by_targetid")
    drawn = {draw["targetid"] for draw in queries.Draws(1, 0.001).of(query)}
    assert drawn <= set(galaxies.targetids(1, 0.001).tolist())


def test_no_index_on_ra_and_dec_together() -> None:
    text = (queries.FOLDER.parent / "indexes.sql").read_text()
    indexes = [line for line in text.splitlines() if not line.startswith("--")]
    assert not [line for line in indexes if line.endswith("galaxies (ra, dec);")]
    assert [line for line in indexes if line.endswith("galaxies (q3c_ang2ipix(ra, dec));")]


@pytest.fixture(scope="module")
def known() -> dict[str, Contender]:
    return contenders(LAB, LOAD)


def test_all_ten_are_there(known: dict[str, Contender]) -> None:
    assert list(known) == [
        "stock",
        "pgtune-mixed",
        "pgtune-dw",
        "timescale",
        "pigsty-olap",
        "autobase",
        "pg-configurator",
        "lab-file",
        "labdb-mixed",
        "labdb-olap",
    ]


def test_durability_is_relaxed_by_nobody(known: dict[str, Contender]) -> None:
    for one in known.values():
        assert one.parameters.get("fsync", "on") == "on"
        assert one.parameters.get("full_page_writes", "on") == "on"
        assert one.parameters.get("synchronous_commit", "on") == "on"


def test_only_labdb_gives_roles_settings(known: dict[str, Contender]) -> None:
    with_roles = {name for name, one in known.items() if one.roles}
    assert with_roles == {"labdb-mixed", "labdb-olap"}


def test_one_value_can_be_tried(known: dict[str, Contender]) -> None:
    plain, changed = choose(known, "stock,labdb-mixed+random_page_cost=2+analyst.work_mem=64MB")
    assert plain == known["stock"]
    assert changed.parameters == {**known["labdb-mixed"].parameters, "random_page_cost": "2"}
    assert changed.roles["analyst"]["work_mem"] == "64MB"
    assert changed.roles["loader"] == known["labdb-mixed"].roles["loader"]


def test_extended_statistics_are_no_parameter(known: dict[str, Contender]) -> None:
    (one,) = choose(known, "labdb-mixed+statistics")
    assert one.statistics
    assert one.parameters == known["labdb-mixed"].parameters
    assert not known["labdb-mixed"].statistics


def test_no_names_are_all_and_an_unknown_one_is_told(known: dict[str, Contender]) -> None:
    assert choose(known, "") == tuple(known.values())
    with pytest.raises(KeyError, match="pgtuned"):
        choose(known, "stock,pgtuned")


def test_what_is_not_tuning_is_equal_for_all(known: dict[str, Contender]) -> None:
    files = {
        name: dict(parse(configuration.render(one, connections=200))) for name, one in known.items()
    }
    for name, value in {**configuration.EQUAL, "max_connections": "200"}.items():
        assert {file[name] for file in files.values()} == {value}
    for file in files.values():
        assert {name for name in file if name.startswith("log_")} == {
            name for name in configuration.EQUAL if name.startswith("log_")
        }


def test_every_parameter_is_one_of_postgresql_16(known: dict[str, Contender]) -> None:
    for one in known.values():
        for name, value in parse(configuration.render(one, connections=200)).items():
            if name not in ("listen_addresses", "unix_socket_directories"):
                lookup(name, 16).parse(value)


def test_a_measured_unit_is_done_and_another_configuration_is_not(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    unit = Unit(1, "stock", "load")
    Results(path).add(unit, "abc", {"took": 1.0})
    again = Results(path)
    assert again.done(unit, "abc")
    assert not again.done(unit, "other")
    assert not again.done(Unit(2, "stock", "load"), "abc")


def _record(contender: str, step: str, measured: dict[str, Any], number: int = 1) -> dict[str, Any]:
    return {"round": number, "contender": contender, "step": step, "figures": measured,
            "fingerprint": "abc", "about": ABOUT}  # fmt: skip


def _query(seconds: float, kind: str = "aggregation") -> dict[str, Any]:
    memory = {"private": 1, "shared": 2, "kernel": 3, "total": 6, "oom_kills": 0}
    return {"class": kind, "seconds": [seconds] * 3, "memory": memory, "plan": {"spilled": 5 << 20}}


def test_a_class_is_the_geometric_mean_of_its_ratios_to_stock() -> None:
    records = [
        _record("stock", "queries", {"a": _query(4.0), "b": _query(1.0)}),
        _record("fast", "queries", {"a": _query(1.0), "b": _query(1.0)}),
    ]
    assert figures.by_class(figures.measurements(records))["fast"] == {"aggregation": 2.0}


def test_a_slow_round_hits_stock_as_well() -> None:
    records = [
        _record("stock", "queries", {"a": _query(1.0)}, 1),
        _record("fast", "queries", {"a": _query(0.5)}, 1),
        _record("stock", "queries", {"a": _query(10.0)}, 2),
        _record("fast", "queries", {"a": _query(5.0)}, 2),
    ]
    assert figures.by_class(figures.measurements(records))["fast"] == {"aggregation": 2.0}


def test_a_failed_query_counts_as_long_as_it_may_take_and_is_told() -> None:
    failed = {"class": "aggregation", "failure": "53200 out of memory"}
    records = [
        _record("stock", "queries", {"a": _query(1.8)}),
        _record("risky", "queries", {"a": failed}),
    ]
    assert figures.by_class(figures.measurements(records))["risky"] == {"aggregation": 0.01}
    assert figures.health(records, "risky").failures == ("queries a: 53200 out of memory",)


def test_a_contender_that_does_not_start_has_no_figures_but_a_failure() -> None:
    records = [
        _record("stock", "queries", {"a": _query(1.0)}),
        _record("broken", "queries", {"failure": "FATAL: too much"}),
    ]
    assert "broken" not in figures.by_class(figures.measurements(records))
    assert figures.health(records, "broken").failures == ("queries : FATAL: too much",)


def test_the_report_names_the_best_of_each_class(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    records = [
        _record("stock", "queries", {"a": _query(4.0)}),
        _record("fast", "queries", {"a": _query(1.0)}),
    ]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = report.write(path)
    assert "| fast | **4.00** | 4.00 |" in text
    assert "| aggregation | a | 4,000 (5 MB) | 1,000 (5 MB) |" in text
    assert (tmp_path / "results-ratios.png").stat().st_size > 0
    assert (tmp_path / "results-memory.png").stat().st_size > 0


def _round(contender: str, seconds: float) -> list[dict[str, Any]]:
    """Return the records of a contender to whom every measurement takes *seconds*."""
    found = {query.name: _query(seconds, query.kind) for query in queries.load()}
    tps = {"tps": 100 / seconds}
    return [
        _record(contender, "queries", found),
        _record(contender, "load", {"copy": seconds, "index build": seconds, "vacuum analyze": 1}),
        _record(contender, "pgbench", {"tpc-b": tps, "select-only": tps}),
    ]


def test_labdb_is_held_against_the_fastest_of_the_safe_ones() -> None:
    records = [*_round("stock", 4), *_round("safe", 2), *_round("unsafe", 1)]
    records += _round("labdb-mixed", 1.6)
    compared = dict(goals.against_others(records, ["stock", "safe", "labdb-mixed"]))
    assert compared["aggregation"] == pytest.approx(1.25)
    assert compared["all queries"] == pytest.approx(1.25)
    assert "50 analysts" not in compared
    assert goals.against_others(records, []) == []


def test_a_target_of_the_lab_is_met_or_not() -> None:
    found = {target.name: (target, value) for target, value in goals.targets(_round(OURS, 1.0))}
    cone, value = found["cone of one degree"]
    assert value == pytest.approx(25)
    assert cone.met(value)
    rate, value = found["pgbench, TPC-B"]
    assert value == pytest.approx(100)
    assert not rate.met(value)
    assert found["COPY"][1] == pytest.approx(6_445_927)


def test_targets_are_for_the_full_scale() -> None:
    records = [record | {"about": ABOUT | {"scale": 0.1}} for record in _round(OURS, 1.0)]
    assert goals.targets(records) == []


def test_the_report_says_which_goal_is_not_met(tmp_path: Path) -> None:
    path = tmp_path / "results.jsonl"
    records = [*_round("stock", 1.5), *_round("labdb-mixed", 1)]
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = report.write(path, ["stock", "labdb-mixed"])
    assert "| all queries | 1.50 | 1.15 | met |" in text
    assert "| all queries, beside stock | 1.50 | 2 | **not met** |" in text
    assert "| pgbench, TPC-B | >= 1,000 tps | 100.0 tps | **not met** |" in text


def test_a_lost_query_is_shown_with_both_plans(tmp_path: Path) -> None:
    plan = {"planning": 0.001, "workers_planned": 2, "workers_launched": 1, "spilled": 0}
    records = [
        _record("stock", "queries", {"a": _query(1.0) | {"plan": plan | {"shape": "Seq Scan t"}}}),
        _record("labdb-mixed", "queries", {"a": _query(2.0) | {"plan": plan | {"shape": "Sort"}}}),
    ]
    path = tmp_path / "results.jsonl"
    path.write_text("".join(json.dumps(record) + "\n" for record in records))
    text = report.write(path)
    assert "- a: labdb-mixed has 0.50 of the speed of stock" in text
    assert "1 of 2 workers, `Seq Scan t`" in text


def test_progress_tells_what_is_left_from_what_was_seen(
    capsys: pytest.CaptureFixture[str],
) -> None:
    progress = Progress(["load", "load", "pgbench"], {"load": 600, "pgbench": 60})
    assert "3 steps, about 21 min left" in capsys.readouterr().err
    with progress.step("load", "round 1"):
        pass
    assert "about 1 min left" in capsys.readouterr().err


def test_a_plan_tells_its_shape_its_spills_and_its_workers() -> None:
    scan = {"Node Type": "Seq Scan", "Relation Name": "galaxies", "Parallel Aware": True,
            "Plan Rows": 10, "Actual Rows": 1000, "Actual Loops": 3}  # fmt: skip
    gather = {"Node Type": "Gather", "Workers Planned": 2, "Workers Launched": 1, "Plans": [scan],
              "Plan Rows": 30, "Actual Rows": 3000, "Actual Loops": 1}  # fmt: skip
    top = {"Node Type": "Sort", "Temp Written Blocks": 128, "Plans": [gather],
           "Plan Rows": 3000, "Actual Rows": 3000, "Actual Loops": 1}  # fmt: skip
    found = plans.summarise({"Plan": top, "Execution Time": 1500.0, "Planning Time": 2.0})
    assert found.shape == "Sort(Gather(Parallel Seq Scan galaxies))"
    assert (found.spilled, found.workers_planned, found.workers_launched) == (1 << 20, 2, 1)
    assert (found.seconds, found.misjudged) == (1.5, 100.0)


def _write(folder: Path, files: dict[str, str]) -> None:
    folder.mkdir(parents=True)
    for name, text in files.items():
        (folder / name).write_text(text)


def test_memory_is_read_from_a_cgroup_of_version_1(tmp_path: Path) -> None:
    _write(
        tmp_path / "memory/docker/x",
        {
            "memory.stat": "cache 9\nrss 1\ntotal_cache 90\ntotal_rss 10\ntotal_shmem 20\n",
            "memory.kmem.usage_in_bytes": "3\n",
            "memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
        },
    )
    _write(tmp_path / "cpuacct/docker/x", {"cpuacct.usage": "1500000000\n"})
    text = "9:memory:/docker/x\n4:cpu,cpuacct:/docker/x\n0::/docker/x\n"
    group = Cgroup(text, tmp_path)
    assert group.version == 1
    assert group.usage() == Usage(private=10, shared=20, kernel=3)
    assert group.oom_kills() == 2
    assert group.cpu() == 1.5


def test_memory_is_read_from_a_cgroup_of_version_2(tmp_path: Path) -> None:
    _write(
        tmp_path / "system.slice/docker-x.scope",
        {
            "memory.stat": "anon 10\nfile 90\nkernel 3\nshmem 20\n",
            "memory.events": "low 0\nhigh 0\nmax 7\noom 2\noom_kill 2\n",
            "cpu.stat": "usage_usec 1500000\nuser_usec 1\nsystem_usec 1\n",
        },
    )
    group = Cgroup("0::/system.slice/docker-x.scope\n", tmp_path)
    assert group.version == 2
    assert group.usage() == Usage(private=10, shared=20, kernel=3)
    assert group.oom_kills() == 2
    assert group.cpu() == 1.5
