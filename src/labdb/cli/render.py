"""Print a report: text for people, one JSON document for programs. The only printer."""

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from labdb.report import Change, Effect, Finding, Phase, Report

EFFECTS = {
    Effect.CREATE: "green",
    Effect.LIVE: "green",
    Effect.NEXT_SESSION: "green",
    Effect.RELOAD: "cyan",
    Effect.RESTART: "yellow",
    Effect.NEXT_BOOT: "yellow",
    Effect.CLOUD_INIT: "magenta",
    Effect.FORBIDDEN: "red",
}
SEVERITIES = {"ok": "green", "info": "cyan", "warning": "yellow", "critical": "red"}
LONGEST_VALUE = 60
PIPE_WIDTH = 120
"""A pipe has no width of its own; 80 columns would fold most lines."""


def report(answer: Report, *, as_json: bool, no_color: bool = False) -> None:
    """Print *answer* to standard output."""
    if as_json:
        sys.stdout.write(json.dumps(answer.to_dict(), indent=2, ensure_ascii=False) + "\n")
        return
    to(console_for(no_color=no_color), answer)


def console_for(*, no_color: bool) -> Console:
    """Return the console on standard output; a pipe gets a width of its own."""
    console = Console(no_color=no_color, highlight=False)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


def to(console: Console, answer: Report) -> None:
    """Print *answer* to *console*."""
    console.print(f"[bold]{answer.command} {answer.server}[/]: {escape(answer.summary)}")
    if "differences" in answer.data:
        _differences(console, answer.data["differences"])
    elif answer.changes:
        console.print(_changes(answer.changes))
    if answer.command == "status":  # what is well stands on the screen already
        _findings(console, [finding for finding in answer.findings if finding.severity != "ok"])
        _screen(console, answer.data)
    else:
        _findings(console, answer.findings)
    if answer.command == "plan" and answer.data.get("postgresql") == "not asked":
        console.print(_parameters(answer.data["parameters"]))
    if answer.phases and answer.command != "plan":
        console.print(_durations(answer.phases), style="dim")
    if "connect" in answer.data:
        _connect(console, answer.data)


def _changes(changes: Sequence[Change]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("what", "field", "now", "declared", "takes effect"):
        table.add_column(column, overflow="fold")
    for change in changes:
        color = EFFECTS[change.effect]
        table.add_row(
            escape(change.subject),
            escape(change.field),
            escape(_short(change.before)),
            escape(_short(change.after)),
            f"[{color}]{change.effect}[/]",
        )
    return table


def _differences(console: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """Print what each place has; places of which no row tells are left out."""
    places = [
        place
        for place in ("declared", "file", "running", "hypervisor")
        if any(row[place] is not None for row in rows)
    ]
    if not rows:
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("what", "field", *places, "takes effect", "why"):
        table.add_column(column, overflow="fold")
    for row in rows:
        effect = Effect(row["effect"])
        table.add_row(
            escape(row["subject"]),
            escape(row["field"]),
            *(escape(_short(row[place])) for place in places),
            f"[{EFFECTS[effect]}]{effect}[/]",
            escape(row["reason"]),
        )
    console.print(table)


def _short(value: str | None) -> str:
    if value is None:
        return "-"
    return value if len(value) <= LONGEST_VALUE else value[: LONGEST_VALUE - 3] + "..."


def _findings(console: Console, findings: Sequence[Finding]) -> None:
    good = [finding for finding in findings if finding.severity == "ok"]
    for finding in findings:
        if finding.severity == "ok":
            continue
        color = SEVERITIES[finding.severity]
        console.print(f"[{color}]{finding.severity:<8}[/] {escape(finding.what)}", soft_wrap=True)
        for text in (finding.why, finding.hint):
            for line in text.splitlines():
                console.print(f"         {escape(line)}", style="dim", soft_wrap=True)
    for finding in good:
        console.print(f"[green]ok[/]       {escape(finding.what)}", soft_wrap=True)


def _parameters(rows: Sequence[Mapping[str, str]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("parameter", "value", "reason"):
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(escape(row["name"]), escape(row["value"]), escape(row["reason"]))
    return table


def _screen(console: Console, data: Mapping[str, Any]) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for title, text in data.get("screen", {}).items():
        table.add_row(escape(title), escape(str(text)))
    console.print(table)


def _durations(phases: Sequence[Phase]) -> str:
    return "took " + ", ".join(f"{phase.name} {phase.seconds:.1f} s" for phase in phases)


def _connect(console: Console, data: Mapping[str, Any]) -> None:
    connect = data["connect"]
    console.print("[bold]connect[/]", soft_wrap=True)
    lines = [connect["psql"], f"password: {connect['password']}"]
    if "pooled_psql" in connect:
        lines.insert(1, connect["pooled_psql"])
    for line in lines:
        console.print(f"  {escape(line)}", soft_wrap=True)
    console.print("[bold]exporters[/]")
    for url in connect["exporters"].values():
        console.print(f"  {escape(url)}", soft_wrap=True)
    console.print(f"[bold]run[/] {escape(data['run_directory'])}", soft_wrap=True)
