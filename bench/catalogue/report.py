"""The figures as tables: seconds, rates, ratios, goals, and what the cores allow."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.published import put

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "loading-speed.md"
SHARE, PANDAS, ORM, MEMORY, TWO = 0.8, 4, 50, 500, 1.7


def whole(way: dict[str, float]) -> float:
    """Return the seconds from a file to an indexed and analysed table."""
    return way.get("look", 0) + way["rows"] + way["indexes"]


def bound(result: dict[str, Any]) -> float | None:
    """Return how many times one job's rate two jobs could reach on these cores.

    As if every core worked all the time: the processor seconds of one job, client's and server's,
    divided by the cores. None where the server's are not known.
    """
    one = result["ways"]["one job"]
    if not one["server_cpu"]:
        return None
    least: float = (one["client_cpu"] + one["server_cpu"]) / result["cores"]
    return whole(one) / least


def goals(result: dict[str, Any]) -> list[tuple[str, float, str, bool]]:
    """Return each goal with its figure, its limit, and whether it is met."""
    ways, rows = result["ways"], result["rows"]
    one, two = ways["one job"], ways["two jobs"]
    share = ways["limit"]["copy"] / one["copy"]
    pandas = whole(ways["pandas"]) / whole(one)
    orm = (ways["orm"]["rows"] / ways["orm"]["count"]) / (one["rows"] / rows)
    jobs = one["rows"] / two["rows"]
    memory = max(one["memory_mb"], two["memory_mb"])
    met = [
        ("COPY phase, rate against the limit", share, f"at least {SHARE}", share >= SHARE),
        ("against pandas and CSV, to the indexed table", pandas, f"at least {PANDAS}",
         pandas >= PANDAS),
        ("against the ORM, rows", orm, f"at least {ORM}", orm >= ORM),
        ("two files at a time against one, all cores, rows", jobs, f"at least {TWO}", jobs >= TWO),
        ("peak memory, MB", memory, f"at most {MEMORY}", memory <= MEMORY),
    ]  # fmt: skip
    if one["server_cpu"]:  # a server elsewhere keeps all of its cores
        alone = ways["one job, one core"]["rows"] / ways["two jobs, two cores"]["rows"]
        what = "two files on two cores against one on one core, rows"
        met.insert(-1, (what, alone, f"at least {TWO}", alone >= TWO))
    return met


def page(result: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    return "\n".join(_lines(result))


def _lines(result: dict[str, Any]) -> Iterator[str]:
    ways, rows = result["ways"], result["rows"]
    yield (
        f"Measured {result['date']} on {result['machine']}; {rows:,} rows of {result['columns']} "
        f"columns in {result['files']} files ({result['bytes'] / (1 << 20):.0f} MB, the largest "
        f"has {result['largest']:,} rows), {result['rounds']} rounds, medians; load average "
        f"{result['load']}.\n"
    )
    yield "| Way | Rows, s | Rows/s | Indexes and statistics, s | Whole, s |"
    yield "|---|---:|---:|---:|---:|"
    yield f"| raw binary COPY of prepared files | {_rate(ways['limit']['copy'], rows)} | | |"
    yield f"| ADBC, of Arrow tables in memory | {_rate(ways['adbc']['copy'], rows)} | | |"
    copying = _rate(ways["one job"]["copy"], rows)
    yield f"| labdb's COPY phase alone, of FITS files | {copying} | | |"
    for name, shown in (("one job", "labdb catalogue load"),
                        ("two jobs", "labdb catalogue load --jobs 2"),
                        ("one job, one core", "labdb catalogue load, on one core"),
                        ("two jobs, two cores", "the same --jobs 2, on two cores"),
                        ("pandas", "astropy, pandas, CSV, COPY")):  # fmt: skip
        way = ways[name]
        rate = _rate(way["rows"], rows)
        yield f"| {shown} | {rate} | {way['indexes']:.1f} | {whole(way):.1f} |"
    orm = ways["orm"]
    yield f"| ORM, {int(orm['count']):,} rows | {_rate(orm['rows'], int(orm['count']))} | | |"
    yield ""
    yield "| Goal | Figure | Limit | |"
    yield "|---|---:|---:|---|"
    for name, figure, limit, met in goals(result):
        yield f"| {name} | {figure:.2f} | {limit} | {'met' if met else '**not met**'} |"
    yield ""
    one = ways["one job"]
    most = bound(result)
    yield (
        f"One job takes {one['client_cpu']:.1f} processor seconds itself"
        + (f", and PostgreSQL {one['server_cpu']:.1f}" if most else "")
        + "."
    )
    if most:
        yield (
            f"With {result['cores']} cores at work all the time, the same could be done at "
            f"{most:.2f} times the rate: no number of jobs gets further on this machine."
        )


def _rate(seconds: float, rows: int) -> str:
    return f"{seconds:.1f} | {rows / seconds:,.0f}"


def write(result: dict[str, Any], path: Path) -> None:
    """Keep the figures, and put the tables into their page."""
    path.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    put(PAGE, page(result))
