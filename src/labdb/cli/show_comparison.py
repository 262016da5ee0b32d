"""Print labdb's parameters beside those of other tuners, for people."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from labdb.cli.render import console_for
from labdb.report import Report
from labdb.size import format_size, human_size

WIDEST = 1000


def show(report: Report, *, no_color: bool) -> None:
    """Print the comparison in *report*: a row a parameter, then what may be in use at once."""
    console = console_for(no_color=no_color)
    table = _table(report.data["comparison"], report.data["memory"])
    if not console.is_terminal:  # a reader of a pipe has no edge to fold lines at
        unbounded = console.options.update(max_width=WIDEST)
        console.width = max(console.width, Measurement.get(console, unbounded, table).maximum)
    console.print(table)
    console.print("(in brackets: not written, PostgreSQL's own default holds)", style="dim")


def _table(comparison: Mapping[str, Any], memory: int) -> Table:
    tuners = comparison["tuners"]
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("parameter", *tuners):
        table.add_column(column, overflow="fold")
    for row in comparison["parameters"]:
        name = f"{row['name']} of {row['role']}s" if row["role"] else row["name"]
        table.add_row(name, *(_cell(row["values"][who]) for who in tuners))
    table.add_section()
    promised = [comparison["memory"][who] for who in tuners]
    table.add_row(
        "one sort in each session", *(_size(item["one_sort_each"], memory) for item in promised)
    )
    table.add_row(
        f"worst case, of {format_size(memory)}",
        *(_size(item["worst_case"], memory) for item in promised),
    )
    return table


def _cell(cell: Mapping[str, str | None]) -> str:
    value = escape(cell["value"] or "''")
    return value if cell["written"] is not None else f"[dim]({value})[/]"


def _size(size: int, memory: int) -> str:
    if size > memory:
        return f"[red]{human_size(size)} does not fit[/]"
    return f"[green]{human_size(size)}[/]"
