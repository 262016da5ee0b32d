"""Print for people what a catalogue will take."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape
from rich.table import Table

from labdb.cli.render import console_for
from labdb.domain.backup.space import COMPRESSED
from labdb.domain.machine_health import duration
from labdb.report import Report
from labdb.size import human_size


def show(report: Report, *, no_color: bool) -> None:
    """Print the tables, what the load writes besides, and what the data disk holds then."""
    console = console_for(no_color=no_color)
    for table in (_tables(report.data), _besides(report.data), _disk(report.data)):
        console.print(table)


def _grid(*columns: str) -> Table:
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for number, column in enumerate(columns):
        grid.add_column(column, overflow="fold", justify="right" if number == 1 else "left")
    return grid


def _tables(data: Mapping[str, Any]) -> Table:
    grid = _grid("in the database", "bytes", "how")
    for one in data["tables"]:
        rows = f"{one['rows']:,} rows of {one['row_bytes']:,} bytes"
        grid.add_row(f"[bold]{escape(one['table'])}[/]", human_size(one["heap_bytes"]), rows)
        if one["toast_bytes"]:
            grid.add_row("  long values", human_size(one["toast_bytes"]), "TOAST")
        for index in one["indexes"]:
            grid.add_row(f"  {escape(index['name'])}", human_size(index["bytes"]), "index")
    grid.add_row("together", f"[bold]{human_size(data['bytes'])}[/]", "")
    return grid


def _besides(data: Mapping[str, Any]) -> Table:
    share = f"at {COMPRESSED:.0%} of its bytes"
    grid = _grid("besides", "", "how")
    for name, key, how in (
        ("WAL of the load", "wal_bytes", "rows, then pages of indexes, lz4"),
        ("WAL after it", "wal_later_bytes", "once: the first read or vacuum after a checkpoint"),
        ("a full backup", "backup_full_bytes", share),
        ("archived WAL", "backup_wal_bytes", share),
        ("temporary files", "temporary_bytes", "the largest sort for an index"),
    ):
        grid.add_row(name, human_size(data[key]), how)
    grid.add_row("time", duration(data["seconds"]), "one connection, indexes one by one")
    return grid


def _disk(data: Mapping[str, Any]) -> Table:
    grid = _grid("on the data disk", "", "how")
    for line in data["disk"]:
        grid.add_row(line["name"], human_size(line["size"]), escape(line["formula"]))
    needed = sum(line["size"] for line in data["disk"])
    color = "green" if data["fits"] else "red"
    grid.add_row(
        "together", f"[{color}]{human_size(needed)}[/]", f"of {human_size(data['disk_bytes'])}"
    )
    return grid
