"""Print loads and data models for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table as Grid

from labdb.cli import render
from labdb.domain.catalogue import check
from labdb.domain.catalogue.table import Column, Model, Table
from labdb.domain.machine_health import duration
from labdb.report import Report
from labdb.size import human_size


def tell(report: Report, *, as_json: bool, no_color: bool) -> int:
    """Print *report* of a load, and return its exit code."""
    if as_json:
        render.report(report, as_json=True)
        return report.exit_code
    console = render.console_for(no_color=no_color)
    render.to(console, report)
    rows = report.data["parts"]
    console.print(_rehearsed(rows) if report.data.get("dry_run") else _loaded(rows))
    if report.data.get("dry_run"):
        for files, row in _alike(rows):
            console.print(
                f"\n[bold]{escape(', '.join(files))}[/] to {row['table']}", soft_wrap=True
            )
            console.print(_mapping(row))
    return report.exit_code


def _alike(rows: Sequence[Mapping[str, Any]]) -> list[tuple[list[str], Mapping[str, Any]]]:
    """Return the parts whose columns come from the same places, with the names of their files."""
    found: dict[str, tuple[list[str], Mapping[str, Any]]] = {}
    for row in rows:
        alike = repr((row["table"], row["columns"], row["not_in_file"], sorted(row["constants"])))
        found.setdefault(alike, ([], row))[0].append(row["file"])
    return list(found.values())


def _grid(*columns: str) -> Grid:
    grid = Grid(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        grid.add_column(column, overflow="fold", no_wrap=column in ("file", "table"))
    return grid


def _loaded(rows: Sequence[Mapping[str, Any]]) -> Grid:
    grid = _grid("file", "table", "what", "rows", "left out", "NULLs", "took")
    for row in rows:
        nulls = sum(sum(causes.values()) for causes in (row["nulls"] or {}).values())
        there = row["status"] == "there"
        grid.add_row(
            escape(row["file"]),
            row["table"],
            "was there" if there else row["status"],
            f"{row['rows']:,}",
            "" if there else f"{sum((row['rejected'] or {}).values()):,}",
            "" if there else f"{nulls:,}",
            "" if there else duration(row["seconds"]),
        )
    return grid


def _rehearsed(rows: Sequence[Mapping[str, Any]]) -> Grid:
    grid = _grid("file", "table", "rows", "file has", "database will have", "about")
    for row in rows:
        grid.add_row(
            escape(row["file"]),
            row["table"],
            f"{row['rows']:,}",
            human_size(row["bytes"]),
            human_size(row["bytes_in_database"]),
            duration(row["seconds"]),
        )
    return grid


def _mapping(row: Mapping[str, Any]) -> Grid:
    grid = _grid("  column", "from")
    for name in row["constants"]:
        grid.add_row(f"  {name}", "the name of the file")
    for name, source in row["columns"].items():
        grid.add_row(f"  {name}", escape(source))
    for name in row["not_in_file"]:
        grid.add_row(f"  {name}", "NULL, not in the file")
    return grid


def models(found: Sequence[Model]) -> Report:
    """Return the list of data models."""
    rows = [
        {
            "name": one.name,
            "version": one.version,
            "description": one.description,
            "tables": [
                {"name": table.name, "description": table.description} for table in one.tables
            ],
        }
        for one in found
    ]
    return Report("catalogue models", "", f"{len(rows)} data models", data={"models": rows})


def print_models(report: Report, *, no_color: bool) -> None:
    """Print the list of data models."""
    grid = _grid("model", "version", "table", "what")
    for one in report.data["models"]:
        grid.add_row(f"[bold]{one['name']}[/]", one["version"], "", escape(one["description"]))
        for table in one["tables"]:
            grid.add_row("", "", table["name"], escape(table["description"]))
    render.console_for(no_color=no_color).print(grid)


def model(found: Model) -> Report:
    """Return a data model with its columns."""
    return Report(
        "catalogue show",
        found.name,
        f"{found.description} (version {found.version})",
        data={"tables": [_table(table) for table in found.tables]},
    )


def _table(table: Table) -> dict[str, Any]:
    return {
        "name": table.name,
        "description": table.description,
        "files": table.files.pattern,
        "hdus": list(table.hdus),
        "key": list(table.key),
        "position": list(table.position or ()),
        "order": list(table.order),
        "indexes": [list(index) for index in table.indexes],
        "checks": {
            name: one.model_dump(exclude_defaults=True) for name, one in table.checks.items()
        },
        "rules": [rule.model_dump(exclude_defaults=True) for rule in check.rules(table)],
        "fingerprint": list(table.fingerprint),
        "partition": table.partition.model_dump() if table.partition else None,
        "columns": [_column(table, column) for column in table.columns],
    }


def _column(table: Table, column: Column) -> dict[str, Any]:
    made = column not in table.from_source
    return {
        "name": column.name,
        "type": column.sql_type,
        "nullable": column.nullable,
        "unit": column.unit,
        "ucd": column.ucd,
        "description": column.description,
        "source": None if made else column.source.upper(),
        "null": [str(sentinel) for sentinel in column.sentinels],
    }


def print_model(report: Report, *, no_color: bool) -> None:
    """Print a data model."""
    console = render.console_for(no_color=no_color)
    console.print(f"[bold]{report.server}[/]: {escape(report.summary)}", soft_wrap=True)
    for table in report.data["tables"]:
        console.print(f"\n[bold]{table['name']}[/]: {escape(table['description'])}", soft_wrap=True)
        console.print(f"  files    {escape(table['files'])}", soft_wrap=True)
        if table["hdus"]:
            console.print(f"  HDUs     {', '.join(table['hdus'])}")
        console.print(f"  key      {', '.join(table['key']) or 'none'}")
        by = "the sky" if table["position"] else ", ".join(table["order"]) or "the file"
        console.print(f"  order    that of {by}")
        console.print(f"  rules    {', '.join(rule['name'] for rule in table['rules'])}")
        grid = _grid("  column", "type", "unit", "UCD", "what")
        for column in table["columns"]:
            grid.add_row(
                f"  {column['name']}",
                column["type"],
                escape(column["unit"]),
                column["ucd"],
                escape(column["description"]),
            )
        console.print(grid)
