"""Print the partitions of a table for people."""

from rich.markup import escape
from rich.table import Table as Grid

from labdb.cli import render
from labdb.report import Report
from labdb.size import human_size


def print_list(report: Report, *, no_color: bool) -> None:
    """Print the partitions, and what was taken out."""
    console = render.console_for(no_color=no_color)
    render.to(console, report)
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    grid.add_column("partition", no_wrap=True)
    for column in ("from", "to", "rows, about", "size"):
        grid.add_column(column, justify="right")
    grid.add_column("state")
    for row in report.data["partitions"]:
        archive = f", archive {row['archive']}" if row["archive"] else ""
        grid.add_row(
            escape(row["partition"]),
            "" if row["low"] is None else str(row["low"]),
            "" if row["high"] is None else str(row["high"]),
            "?" if row["rows"] is None else f"{max(row['rows'], 0):,}",
            "" if row["bytes"] is None else human_size(row["bytes"]),
            escape(f"{row['state']}{archive}"),
        )
    console.print(grid)
