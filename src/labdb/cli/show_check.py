"""Print what a check of catalogues found, for people."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labdb.cli import render
from labdb.operations.catalogue.check_page import unasked
from labdb.report import Report

COLOURS = {"passed": "green", "failed": "red", "warning": "yellow", "skipped": "cyan"}
WORDS = {"passed": "ok", "failed": "FAILED", "warning": "warning", "skipped": "not judged"}


def tell(report: Report, *, as_json: bool, no_color: bool) -> int:
    """Print *report*, and return the exit code: 1 when a rule of severity error fails."""
    code = 1 if report.data["failed"] else 0
    if as_json:
        render.report(_without_pictures(report), as_json=True)
        return code
    console = render.console_for(no_color=no_color)
    console.print(f"[bold]{report.command} {escape(report.server)}[/]: {escape(report.summary)}")
    for finding in report.findings:
        if finding.severity == "info" and finding.check.endswith(":model"):
            console.print(f"[cyan]info[/]     {escape(finding.what)}", soft_wrap=True)
    for table in report.data["tables"]:
        _table(console, table)
    if "html" in report.data:
        console.print(f"\nreport   {escape(report.data['html'])}", soft_wrap=True)
    return code


def _without_pictures(report: Report) -> Report:
    tables = [
        {key: value for key, value in one.items() if key != "plots"}
        for one in report.data["tables"]
    ]
    return replace(report, data=report.data | {"tables": tables})


def _table(console: Console, table: Mapping[str, Any]) -> None:
    console.print(f"\n[bold]{escape(table['table'])}[/], {table['rows']:,} rows", soft_wrap=True)
    for problem in table["problems"]:
        console.print(f"[red]FAILED[/]   {escape(problem)}", soft_wrap=True)
    asked = [rule for rule in table["rules"] if not unasked(rule)]
    grid = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("verdict", "rule", "observed", "wanted"):
        grid.add_column(column, overflow="fold", no_wrap=column == "verdict")
    for rule in asked:
        status = rule["status"]
        grid.add_row(
            f"[{COLOURS[status]}]{WORDS[status]}[/]",
            escape(rule["rule"]),
            escape(rule["observed"]),
            escape(rule["wanted"]),
        )
    if asked:
        console.print(grid)
    if left := len(table["rules"]) - len(asked):
        console.print(f"{left} more rules hold for the whole survey: --expect full", style="dim")
    for rule in asked:
        if rule["status"] != "passed":
            _broken(console, rule)


def _broken(console: Console, rule: Mapping[str, Any]) -> None:
    colour = COLOURS[rule["status"]]
    console.print(
        f"[{colour}]{escape(rule['rule'])}[/]: {escape(rule['sentence'])}", soft_wrap=True
    )
    if rule["why"]:
        console.print(f"  {escape(rule['why'])}", style="dim", soft_wrap=True)
    for row in rule["examples"]:
        values = ", ".join(f"{name} {value}" for name, value in row.items() if name != "source_id")
        console.print(f"  {escape(values)}", soft_wrap=True)
    if rule["query"]:
        console.print(f"  {escape(rule['query'])}", style="dim", soft_wrap=True)
