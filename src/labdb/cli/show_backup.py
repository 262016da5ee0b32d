"""Print backup sets, drills and exports for people."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.markup import escape
from rich.table import Table

from labdb.cli import render
from labdb.domain.machine_health import ago, duration
from labdb.report import Report
from labdb.size import human_size


def tell(report: Report, *, as_json: bool, no_color: bool) -> int:
    """Print *report* to standard output, and return its exit code."""
    if as_json:
        render.report(report, as_json=True)
    else:
        _show(report, no_color=no_color)
    return report.exit_code


def _show(report: Report, *, no_color: bool) -> None:
    console = render.console_for(no_color=no_color)
    render.to(console, report)
    if report.data.get("sets"):
        console.print(_sets(report.data["sets"], report.data.get("expired", ())))
    for item in report.data.get("archives", ()):
        console.print(f"WAL {item['first']} to {item['last']} in repository {item['repository']}")
    if report.data.get("drills"):
        console.print(_drills(report.data["drills"]))
    if report.data.get("exports"):
        console.print(_exports(report.data["exports"]))


def _sets(rows: Sequence[Mapping[str, Any]], expired: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("set", "kind", "repository", "age", "took", "size", "stored", "WAL", "verdict"):
        table.add_column(column, overflow="fold", no_wrap=column == "set")
    for row in rows:
        verdict = "expires now" if row["label"] in expired else row["verdict"]
        table.add_row(
            row["label"],
            row["kind"],
            str(row["repository"]),
            ago(row["age"]).removesuffix(" ago"),
            duration(row["seconds"]),
            human_size(row["size"]),
            human_size(row["stored"]),
            _wal(row["wal_start"], row["wal_stop"]),
            "damaged" if row["damaged"] else verdict,
        )
    return table


def _wal(start: str, stop: str) -> str:
    """Return a range of segments without the digits that are the same.

    >>> _wal("000000010000000000000002", "000000010000000000000003")
    '1/00/02-03'
    """
    first, last = ((f"{int(name[:8], 16)}", name[14:16], name[22:]) for name in (start, stop))
    if first == last:
        return "/".join(first)
    same = next(place for place in range(len(first)) if first[place] != last[place])
    return f"{'/'.join(first)}-{'/'.join(last[same:])}"


def _drills(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("drill", "verdict", "set", "target", "size", "RTO", "RPO"):
        table.add_column(column, overflow="fold", no_wrap=column in ("drill", "set"))
    for row in rows:
        table.add_row(
            row["begin"],
            row["verdict"],
            row["set"] or "-",
            escape(row["target"]) or "-",
            human_size(row["size"]),
            f"{row['rto']:.1f} s",
            f"{row['rpo']:.1f} s",
        )
    return table


def _exports(rows: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in ("export", "database", "verdict", "size", "took", "where"):
        table.add_column(column, overflow="fold", no_wrap=column == "export")
    for row in rows:
        table.add_row(
            row["begin"],
            row["database"],
            row["verdict"],
            human_size(row["size"]),
            duration(sum(row["phases"].values())),
            escape(row["path"]) if row["verdict"] == "passed" else "-",
        )
    return table
