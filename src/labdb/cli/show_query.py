"""Print the library's queries and their answers for people."""

import csv
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from labdb.adapters.query_library import LibraryQuery
from labdb.cli import render
from labdb.report import Report

WIDEST = 10_000


def _grid(*columns: str, right: Sequence[str] = ()) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(
            escape(column), overflow="fold", justify="right" if column in right else "left"
        )
    return grid


def tell(report: Report, drawn: Path | None, *, no_color: bool) -> None:
    """Print an answer or a plan; the rows of one that was *drawn* stand in the picture."""
    console = render.console_for(no_color=no_color)
    render.to(console, report)
    if "plan" in report.data:
        console.print(escape(report.data["sql"]), soft_wrap=True)
        console.print()
        for line in report.data["plan"]:
            console.print(escape(line), soft_wrap=True)
        return
    if drawn is not None:
        console.print(f"drawn into {escape(str(drawn))}", soft_wrap=True)
        return
    grid = _answer(report.data)
    # An identifier that is broken in two cannot be copied: long lines are the terminal's matter.
    wide = console.options.update(max_width=WIDEST)
    console.width = max(console.width, Measurement.get(console, wide, grid).maximum)
    console.print(grid)
    if report.data["more"]:
        console.print("there are more: --limit, --csv or --json", style="dim")


def _answer(data: Mapping[str, Any]) -> Table:
    names = {
        one["name"]: f"{one['name']} [{one['unit']}]" if one["unit"] else one["name"]
        for one in data["columns"]
    }
    numbers = [
        names[name] for name in names if all(not isinstance(row[name], str) for row in data["rows"])
    ]
    grid = _grid(*names.values(), right=numbers)
    for row in data["rows"]:
        grid.add_row(*(_cell(row[name]) for name in names))
    return grid


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.6g}" if isinstance(value, float) else escape(str(value))


def csv_to_stdout(report: Report) -> None:
    """Write the rows as CSV (RFC 4180); NULL is an empty field, findings go to standard error."""
    names = [one["name"] for one in report.data["columns"]]
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([row[name] for name in names] for row in report.data["rows"])
    for finding in report.findings:
        sys.stderr.write(f"{finding.severity}: {finding.what}\n")


def listing(queries: Sequence[LibraryQuery]) -> Report:
    """Return the list of queries."""
    rows = [
        {
            "name": one.name,
            "title": one.about.title,
            "answers": one.about.answers,
            "tables": sorted(one.about.tables.values()),
            "plot": one.about.plot is not None,
        }
        for one in queries
    ]
    return Report("query", "", f"{len(rows)} queries", data={"queries": rows})


def print_listing(report: Report, *, no_color: bool) -> None:
    """Print the list of queries."""
    grid = _grid("query", "answers")
    for one in report.data["queries"]:
        grid.add_row(f"[bold]{one['name']}[/]", escape(one["answers"]))
    render.console_for(no_color=no_color).print(grid)


def about(query: LibraryQuery) -> Report:
    """Return what a query is: parameters, tables, columns, SQL."""
    said = query.about.model_dump()
    return Report("query", query.name, query.about.title, data=said | {"sql": query.sql})


def print_about(report: Report, *, no_color: bool) -> None:
    """Print what a query is."""
    console, data = render.console_for(no_color=no_color), report.data
    console.print(f"[bold]{report.server}[/]: {escape(data['answers'])}", soft_wrap=True)
    console.print(f"  tables   {', '.join(data['tables'].values())}")
    if data["extensions"]:
        console.print(f"  needs    the extension {', '.join(data['extensions'])}")
    grid = _grid("  parameter", "default", "unit", "what")
    for name, one in data["parameters"].items():
        values = f" One of {', '.join(one['values'])}." if one["values"] else ""
        default = "required" if one["default"] is None else str(one["default"])
        grid.add_row(f"  {name}", escape(default), one["unit"], escape(one["what"] + values))
    console.print(grid)
    grid = _grid("  column", "unit", "what")
    for name, one in data["columns"].items():
        grid.add_row(f"  {name}", one["unit"], escape(one["what"]))
    console.print(grid)
    console.print(f"\n{escape(data['sql'])}", soft_wrap=True)
