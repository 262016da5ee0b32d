"""The results as Markdown: ratios to stock by class, memory, spills, failures."""

from collections.abc import Sequence
from pathlib import Path
from statistics import median

from bench.tuning import figures, plots
from bench.tuning.figures import CLASSES, QUERY_CLASSES
from bench.tuning.results import Record, Results

MEGABYTE = 1 << 20


def write(path: Path) -> str:
    """Write the report of the results in *path* beside it and return it."""
    records = Results(path).records
    if not records:
        return "no results yet"
    text = "\n".join([*_head(records), *_summary(records), "", *_queries(records), ""])
    path.with_suffix(".md").write_text(text, encoding="utf-8")
    plots.draw(records, contenders(records), path.parent, path.stem)
    return text


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


def _cell(seconds: Sequence[float] | None, spilled: int) -> str:
    if not seconds:
        return "-"
    note = f" ({spilled / MEGABYTE:,.0f} MB)" if spilled else ""
    return f"{median(seconds) * 1000:,.0f}{note}"


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
