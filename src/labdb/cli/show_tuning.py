"""Print computed parameters for people: a table with the memory budget, or an explanation."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labdb.cli.render import console_for
from labdb.report import Report
from labdb.size import human_size

BAR = 24
"""Characters of the longest bar of the memory budget."""


def show(report: Report, *, explained: bool, no_color: bool) -> None:
    """Print what stands in *report* beside its summary and findings."""
    console = console_for(no_color=no_color)
    if explained:
        for row in report.data["parameters"]:
            _explanation(console, row)
        return
    console.print(_parameters(report.data["parameters"]))
    console.print(_budget(report.data))
    console.print(_roles(report.data["role_settings"]))


def _table(*columns: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _parameters(rows: list[Mapping[str, Any]]) -> Table:
    table = _table("parameter", "value", "takes", "why")
    for row in rows:
        takes = "[yellow]restart[/]" if row["restart"] else "reload"
        table.add_row(row["name"], escape(row["value"]), takes, escape(row["comment"]))
    return table


def _budget(data: Mapping[str, Any]) -> Table:
    table = _table("memory budget", "size", "", "how")
    memory = data["memory"]
    for line in data["budget"]:
        bar = "#" * round(BAR * line["size"] / memory)
        table.add_row(line["name"], human_size(line["size"]), bar, escape(line["formula"]))
    total, color = data["budget_total"], "green" if data["budget_total"] <= memory else "red"
    table.add_row(
        "together", f"[{color}]{human_size(total)}[/]", "", f"of {human_size(memory)} of memory"
    )
    return table


def _roles(rows: list[Mapping[str, Any]]) -> Table:
    table = _table("role of kind", "setting (ALTER ROLE)", "value", "why")
    kind = ""
    for row in rows:
        shown = row["kind"] if row["kind"] != kind else ""
        kind = row["kind"]
        table.add_row(shown, row["name"], escape(row["value"]), escape(row["comment"]))
    return table


def _explanation(console: Console, row: Mapping[str, Any]) -> None:
    console.print(f"[bold]{row['name']} = {escape(row['value'])}[/]", soft_wrap=True)
    limits = ", ".join(row["values"]) or f"{_number(row['minimum'])} .. {_number(row['maximum'])}"
    unit = f" (unit {row['unit']})" if row["unit"] else ""
    for title, text in (
        ("formula", row["reason"]),
        ("numbers", row["numbers"]),
        ("source", row["source"]),
        ("takes", "a restart" if row["restart"] else f"a reload (context {row['context']})"),
        ("default", f"{row['default']}{unit}"),
        ("range", f"{limits}{unit}" if limits != "- .. -" else ""),
    ):
        if text:
            console.print(f"  {title:<8} {escape(text)}", soft_wrap=True)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}" if value < 1e6 else f"{value:.0f}"  # noqa: PLR2004 - where %g turns to exponents
