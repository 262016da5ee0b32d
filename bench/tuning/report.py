"""The results as Markdown: ratios to stock by class, memory, spills, failures, and why."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.published import put
from bench.tuning import figures, goals, plots
from bench.tuning.figures import CLASSES, QUERY_CLASSES
from bench.tuning.goals import BETTER, FAIR, FASTER, OURS
from bench.tuning.results import Record, Results

MEGABYTE = 1 << 20
BEATEN = 0.9
"""Below this part of the best contender's speed the plans of both are shown."""
TOP = Path(__file__).resolve().parents[2]
PAGE = TOP / "docs" / "explanation" / "tuning-compared.md"
KEPT = TOP / "bench" / "tuning" / "result.jsonl"


def write(path: Path, safe: Sequence[str] = ()) -> str:
    """Write the report of the results in *path* beside it, with its plots, and return it.

    *safe* are the contenders that promise no more memory than there is.
    """
    records = Results(path).records
    if not records:
        return "no results yet"
    parts = [*_head(records), *_summary(records), "", *_goals(records, safe)]
    parts += [*_queries(records), "", *_beaten(records)]
    text = "\n".join([*parts, ""])
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    plots.draw(records, contenders(records), path.parent, path.stem)
    return text


def publish(path: Path, safe: Sequence[str]) -> None:
    """Put the results in *path* into the documentation, and keep them beside the benchmark."""
    records = Results(path).records
    parts = [*_head(records), *_summary(records), "", *_goals(records, safe), *_queries(records)]
    tables = "\n".join(parts)
    stem = PAGE.stem
    pictures = "\n".join(
        f"![{title}]({stem}-{name}.png)\n"
        for name, title in (("ratios", "Ratios to stock"), ("memory", "Peak memory"))
    )
    put(PAGE, f"{tables}\n\n{pictures}")
    plots.draw(records, contenders(records), PAGE.parent, stem)
    shutil.copyfile(path, KEPT)


def contenders(records: Sequence[Record]) -> list[str]:
    """Return the contenders in the order in which they were first measured."""
    return list(dict.fromkeys(record["contender"] for record in records))


def _head(records: Sequence[Record]) -> list[str]:
    about = records[-1]["about"]
    rounds = max(record["round"] for record in records)
    loads = [record["about"]["load"] for record in records]
    measured = (
        f"Measured {about['when'][:10]} on {about['machine']}; scale {about['scale']:g}, "
        f"{rounds} round{'s' if rounds > 1 else ''}; load average of the host "
        f"{min(loads):.1f} to {max(loads):.1f}."
    )
    return [measured, ""]


def _summary(records: Sequence[Record]) -> list[str]:
    found = figures.by_class(figures.measurements(records))
    shown = [kind for kind in CLASSES if any(kind in kinds for kinds in found.values())]
    titles = ["Contender", *shown, "all queries", "peak memory", "spilled", "failed", "OOM kills"]
    lines = [_row(titles), _row(["---", *["---:"] * (len(titles) - 1)])]
    best = {kind: max(kinds.get(kind, 0) for kinds in found.values()) for kind in shown}
    for contender in contenders(records):
        ratios = found.get(contender, {})
        health = figures.health(records, contender)
        cells = [contender]
        for kind in shown:
            ratio = ratios.get(kind)
            said = f"{ratio:.2f}" if ratio else "-"
            cells.append(f"**{said}**" if ratio and ratio == best[kind] else said)
        classes = [ratios[kind] for kind in QUERY_CLASSES if kind in ratios]
        cells += [
            f"{figures.geometric_mean(classes):.2f}" if classes else "-",
            f"{health.peak.total / MEGABYTE:,.0f} MB",
            f"{health.spilled / MEGABYTE:,.0f} MB",
            str(len(health.failures)),
            str(health.oom_kills),
        ]
        lines.append(_row(cells))
    return lines


def _goals(records: Sequence[Record], safe: Sequence[str]) -> list[str]:
    """Return what labdb wanted to reach, and what it did."""
    lines = []
    if compared := goals.against_others(records, safe):
        others = ", ".join(name for name in safe if not name.startswith("labdb"))
        lines += [
            f"{OURS} beside the fastest that promises no more memory than there is, of {others}.",
            "",
            _row(["Class", f"{OURS} / the fastest of them", "Goal", ""]),
            _row(["---", "---:", "---:", "---"]),
        ]
        for kind, ratio in compared:
            lines.append(_goal(kind, ratio, BETTER if kind == "all queries" else FAIR))
        ours = figures.by_class(figures.measurements(records))[OURS]
        queries = [ours[kind] for kind in QUERY_CLASSES if kind in ours]
        if len(queries) == len(QUERY_CLASSES):
            mean = figures.geometric_mean(queries)
            lines.append(_goal("all queries, beside stock", mean, FASTER))
        lines.append("")
    if found := goals.targets(records):
        lines += [
            f"The lab's own targets, and {OURS}:",
            "",
            _row(["Target", "Limit", "Measured", ""]),
            _row(["---", "---:", "---:", "---"]),
        ]
        for target, value in found:
            limit = f"{'<=' if target.at_most else '>='} {target.limit:,.0f} {target.unit}"
            said = "met" if target.met(value) else "**not met**"
            lines.append(_row([target.name, limit, f"{value:,.1f} {target.unit}", said]))
        lines.append("")
    return lines


def _goal(what: str, ratio: float, wanted: float) -> str:
    said = "met" if ratio >= wanted else "**not met**"
    return _row([what, f"{ratio:.2f}", f"{wanted:g}", said])


def _queries(records: Sequence[Record]) -> list[str]:
    """Return the table of medians in milliseconds, with what was spilled."""
    names = contenders(records)
    seconds: dict[tuple[str, str], dict[str, list[float]]] = {}
    for one in figures.measurements(records):
        cell = seconds.setdefault((one.kind, one.name), {})
        cell.setdefault(one.contender, []).append(one.seconds)
    spills = {
        (record["contender"], name): part["plan"]["spilled"]
        for record in records
        if record["step"] == "queries" and "failure" not in record["figures"]
        for name, part in record["figures"].items()
        if "plan" in part
    }
    lines = [
        "Milliseconds; in brackets what the plan wrote to temporary files.",
        "",
        _row(["Class", "Measurement", *names]),
        _row(["---", "---", *["---:"] * len(names)]),
    ]
    for (kind, name), cell in seconds.items():
        if kind == "pgbench":
            continue
        lines.append(
            _row(
                [
                    kind,
                    name,
                    *(_cell(cell.get(one), spills.get((one, name), 0)) for one in names),
                ]
            )
        )
    return lines


def _beaten(records: Sequence[Record]) -> list[str]:
    """Return, for each query where another one is clearly faster than labdb, both plans."""
    measured: dict[str, dict[str, Record]] = {}
    for record in records:
        if record["step"] == "queries" and "failure" not in record["figures"]:
            for name, part in record["figures"].items():
                if "seconds" in part:
                    measured.setdefault(name, {})[record["contender"]] = part
    lines: list[str] = []
    for name, by in measured.items():
        if OURS not in by:
            continue
        best = min(by, key=lambda one: median(by[one]["seconds"]))
        ratio = median(by[best]["seconds"]) / median(by[OURS]["seconds"])
        if ratio < BEATEN:
            lines += [f"- {name}: {OURS} has {ratio:.2f} of the speed of {best}"]
            lines += [f"  - {one}: {_plan(by[one])}" for one in (best, OURS)]
    return [f"Where another one is faster than {OURS}:", "", *lines] if lines else []


def _plan(part: Record) -> str:
    plan = part["plan"]
    workers = f"{plan['workers_launched']} of {plan['workers_planned']} workers"
    spilled = f"{plan['spilled'] / MEGABYTE:,.0f} MB spilled"
    seconds = median(part["seconds"])
    return (
        f"{seconds * 1000:,.0f} ms, planning {plan['planning'] * 1000:.1f} ms, {spilled}, "
        f"{workers}, `{plan['shape']}`"
    )


def _cell(seconds: Sequence[float] | None, spilled: int) -> str:
    if not seconds:
        return "-"
    note = f" ({spilled / MEGABYTE:,.0f} MB)" if spilled else ""
    return f"{median(seconds) * 1000:,.0f}{note}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
