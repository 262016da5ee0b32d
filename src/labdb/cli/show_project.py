"""Print projects for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labdb.cli import render
from labdb.report import Report
from labdb.size import human_size

COLORS = {"+": "green", "-": "red", "@": "cyan"}
"""Colour of a line of a difference, by its first character."""


def tell(report: Report, *, as_json: bool, no_color: bool) -> int:
    """Print *report* to standard output, and return its exit code."""
    render.report(report, as_json=as_json, no_color=no_color)
    if not as_json:
        console = render.console_for(no_color=no_color)
        if report.data.get("projects"):
            console.print(_projects(report.data["projects"]))
        if "project" in report.data:
            _project(console, report.data["project"], report.data["roles"])
    return report.exit_code


def tell_draft(report: Report, *, as_json: bool, no_color: bool, error: bool = False) -> int:
    """Print what a new project changes, to standard output or else *error*."""
    if as_json:
        render.report(report, as_json=True)
        return report.exit_code
    console = render.console_for(no_color=no_color)
    console.stderr = error
    render.to(console, report)
    for line in report.data["diff"].splitlines():
        console.print(escape(line), style=COLORS.get(line[:1], ""), soft_wrap=True)
    return report.exit_code


def _projects(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("project", "profile", "database", "people", "size", "connections", "limit"):
        table.add_column(column, overflow="fold", no_wrap=column == "project")
    for row in rows:
        table.add_row(
            row["name"],
            row["profile"] or "-",
            row["database"],
            str(len(row["people"])),
            _size(row["size"]),
            _count(row["connections"]),
            _limit(row["connection_limit"]),
        )
    return table


def _project(
    console: Console, project: Mapping[str, Any], roles: Sequence[Mapping[str, Any]]
) -> None:
    lines = {
        "database": project["database"],
        "size": _size(project["size"]),
        "connections": f"{_count(project['connections'])}, limit "
        + _limit(project["connection_limit"]),
        "networks": ", ".join(project["networks"]) or "none",
        "schemas": ", ".join(project["schemas"]),
        "extensions": ", ".join(project["extensions"]),
        "CA": project["ca_file"],
    }
    for label, text in lines.items():
        console.print(f"{label:<12} {escape(text)}", soft_wrap=True)
    for role in roles:
        limit = _limit(role["connection_limit"])
        who = f"{role['kind']}, member of {role['group']}, connections {limit}"
        console.print(f"\n[bold]{role['name']}[/]  {who}")
        settings = ", ".join(f"{name} {value}" for name, value in role["settings"].items())
        for label, text in {
            "settings": settings, "connect": role["psql"], "password": role["password"],
        }.items():  # fmt: skip
            if text:
                console.print(f"  {label:<10} {escape(text)}", soft_wrap=True)


def _size(size: int | None) -> str:
    return "-" if size is None else human_size(size)


def _count(number: int | None) -> str:
    return "-" if number is None else str(number)


def _limit(number: int) -> str:
    return "none" if number < 0 else str(number)
