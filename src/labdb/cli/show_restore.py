"""Print a restore for people: what is taken, which tables differ, what to do next."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labdb.cli import render
from labdb.report import Report
from labdb.size import human_size

MEANINGS = {
    "gone": "only in the restored instance",
    "new": "only in the running server",
    "changed": "not the same rows",
}


def show(report: Report, *, no_color: bool) -> None:
    """Print *report* to standard output."""
    console = render.console_for(no_color=no_color)
    render.to(console, report)
    if "plan" in report.data:
        console.print(_plan(report.data["plan"]))
    if report.data.get("tables"):
        console.print(_tables(report.data["tables"]))
    if "next" in report.data:
        _next(console, report.data["next"])


def _plan(plan: Mapping[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    rows = {
        "set": f"{plan['set']} ({plan['kind']}), ended {plan['stop']}, "
        f"repository {plan['repository']}",
        "WAL": f"{plan['wal_first']} to {plan['wal_last']}, {plan['segments']} segments at most",
        "space": f"{human_size(plan['needed'])} at most, {human_size(plan['free'])} are free",
    }
    if "kept" in plan:
        rows["in place"] = f"{plan['directory']}; what is there now is kept in {plan['kept']}"
    else:
        rows["database"] = plan["database"] or "all"
        rows["instance"] = f"port {plan['port']}, {plan['directory']}"
    for title, text in rows.items():
        table.add_row(title, escape(text))
    return table


def _tables(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("table", "restored", "running", "what", "columns"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(
            escape(f"{row['database']}: {row['schema']}.{row['table']}"),
            _count(row["restored_rows"]),
            _count(row["running_rows"]),
            MEANINGS[row["kind"]],
            escape(", ".join(row["columns"])),
        )
    return table


def _count(rows: int | None) -> str:
    return "-" if rows is None else f"{rows} rows"


def _next(console: Console, commands: Mapping[str, str]) -> None:
    for title, command in commands.items():
        console.print(f"[bold]{title}[/]", soft_wrap=True)
        console.print(f"  {escape(command)}", soft_wrap=True)
