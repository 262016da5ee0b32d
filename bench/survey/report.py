"""The figures of the whole survey as tables."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.published import put

PAGE = Path(__file__).resolve().parents[2] / "docs" / "explanation" / "whole-survey.md"
MB = 1 << 20


def page(result: dict[str, Any]) -> str:
    """Return the tables as Markdown."""
    return "\n".join(_lines(result))


def _lines(result: dict[str, Any]) -> Iterator[str]:
    yield (
        f"Measured {result['date']} on {result['machine']}; scale {result['scale']:g}, "
        f"{result['bytes'] / MB:,.0f} MB of FITS files; load average {result['load']}.\n"
    )
    yield "| Loaded | Rows | Seconds | Rows/s |"
    yield "|---|---:|---:|---:|"
    for one in result["loads"]:
        rate = one["rows"] / one["seconds"]
        yield f"| {one['model']} | {one['rows']:,} | {one['seconds']:.1f} | {rate:,.0f} |"
    yield ""
    yield "| Command | Seconds | |"
    yield "|---|---:|---|"
    for one in result["commands"]:
        yield f"| {one['what']} | {one['seconds']:.1f} | {one['result']} |"
        for wrong in one.get("wrong", ()):
            yield f"| | | **{wrong}** |"
    yield ""
    yield "| Data model | Planned, MB | Real, MB | Ratio |"
    yield "|---|---:|---:|---:|"
    for one in result["sizes"]:
        ratio = one["planned"] / one["real"]
        planned, real = one["planned"] / MB, one["real"] / MB
        yield f"| {one['model']} | {planned:,.0f} | {real:,.0f} | {ratio:.2f} |"
    yield ""
    yield "| Query | Rows | First time, s | Again, s |"
    yield "|---|---:|---:|---:|"
    for one in result["queries"]:
        times = f"{one['first']:.2f} | {one['again']:.2f}"
        yield f"| `labdb query {one['query']}` | {one['rows']:,} | {times} |"
    yield ""


def write(result: dict[str, Any], path: Path) -> None:
    """Keep the figures, and put the tables into their page."""
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    put(PAGE, page(result))
