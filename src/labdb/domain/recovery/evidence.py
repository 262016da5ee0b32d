"""What the checks of a restored instance say, as findings that name the cause."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import zip_longest

from labdb.domain.recovery.clock import HINT, TOLERANCE, Jump
from labdb.domain.recovery.fingerprint import TableFingerprint, differences
from labdb.domain.recovery.records import Contents, Record
from labdb.domain.recovery.target import written
from labdb.report import Finding, Severity

SHOWN = 10
"""Findings of a kind; whoever has more than that knows what to do."""
OLDER = "this set does not give back what the server had: keep older ones, drill them with --set"
_RELATION = re.compile(
    r'^(?P<kind>heap table|btree index) "(?P<name>[^"]+)"(?P<where>.*?):?$', re.MULTILINE
)
_CHECKSUM = re.compile(
    r'checksum verification failed in file "(?P<path>[^"]+)", block (?P<block>\d+)'
)


def contents(record: Record, restored: Mapping[str, Contents]) -> list[Finding]:
    """Return where what was restored is not what was recorded at the same restore point."""
    found: list[Finding] = []
    rows = tables = 0
    for name, wanted in record.databases.items():
        if name not in restored:
            what = f"database {name} is not in the restored data"
            why = f"recorded at {record.name}"
            found.append(Finding("fingerprints", "critical", what, why, OLDER))
            continue
        got = restored[name]
        found += _tables(name, wanted.tables, got.tables)
        found += _extensions(name, wanted.extensions, got.extensions)
        tables += len(wanted.tables)
        rows += sum(table.rows for table in wanted.tables)
    if not found:
        what = f"{tables} tables with {rows} rows are as they were at {record.name}"
        found.append(Finding("fingerprints", "ok", what))
    return found[:SHOWN]


def _tables(
    database: str, wanted: Sequence[TableFingerprint], got: Sequence[TableFingerprint]
) -> list[Finding]:
    found = []
    for item in differences(wanted, got):
        name = f"{database}: {item.schema}.{item.table}"
        if item.running_rows is None:
            what = f"{name} is not in the restored data"
            why = f"it held {item.restored_rows} rows"
        elif item.restored_rows is None:
            what = f"{name} is in the restored data, and was not there"
            why = f"it holds {item.running_rows} rows"
        else:
            what = f"{name} does not hold the rows that it held"
            columns = f"; columns that differ: {', '.join(item.columns)}" if item.columns else ""
            why = f"{item.restored_rows} rows were recorded, {item.running_rows} restored{columns}"
        found.append(Finding("fingerprints", "critical", what, why, OLDER))
    return found


def _extensions(database: str, wanted: Mapping[str, str], got: Mapping[str, str]) -> list[Finding]:
    return [
        Finding(
            "extensions",
            "critical",
            f"{database}: extension {name} {version} came back as {got.get(name, 'nothing')}",
            hint=OLDER,
        )
        for name, version in wanted.items()
        if got.get(name) != version
    ]


def lost_since(record: Record, earlier: Record | None) -> list[Finding]:
    """Return the tables that the record *earlier* had, and *record* has not: dropped meanwhile."""
    if earlier is None:
        return []
    between = f"between {written(earlier.moment)} and {written(record.moment)}"
    found = []
    for name, held in earlier.databases.items():
        now = record.databases.get(name)
        there = {table.name for table in now.tables} if now else set()
        found += [
            Finding(
                "tables",
                "warning",
                f"{name}: {'.'.join(table.name)} was dropped {between}",
                f"it held {table.rows} rows",
                f"if nobody meant it: labdb restore SERVER --name '{earlier.name}'",
            )
            for table in held.tables
            if table.name not in there
        ]
    return found[:SHOWN]


def clock(jump: Jump, severity: Severity) -> Finding:
    """Return that the server's clock went back, and what cannot be restored by time since."""
    why = f"{jump} or further"
    if jump.is_open:
        what = f"the server's clock is behind its own backups, by {jump.least}"
        hint = f"{HINT}; pgBackRest makes no set until it has passed the newest one"
    else:
        what = f"the server's clock went back, by {jump.least} or more"
        hint = "times in between came twice: restore to them with --name or --lsn"
    return Finding("clock", severity, what, why, hint)


def archived(last: datetime, now: datetime) -> list[Finding]:
    """Return that nobody knows what could have been lost, where the *last* segment is of later."""
    if last <= now + TOLERANCE:
        return []
    what = "the last WAL segment was archived in the future of the server's clock"
    why = f"at {written(last)}; how old the oldest commit is that is in none, nobody knows"
    return [Finding("clock", "warning", what, why, HINT)]


def amcheck(said: str) -> list[Finding]:
    """Return what ``pg_amcheck`` complains of, a finding for each table or index.

    It writes a line that names the relation and lines that tell what is wrong with it.
    """
    found: dict[str, Finding] = {}
    matches = list(_RELATION.finditer(said))
    for match, after in zip_longest(matches, matches[1:]):
        told = said[match.end() : after.start() if after else len(said)].split("\n")
        why = " ".join(line.strip() for line in told if line.strip())
        what = f"{match['kind']} {match['name']} is corrupt"
        hint = (
            "REINDEX makes an index anew"
            if match["kind"] == "btree index"
            else "restore the table from an older set"
        )
        where = match["where"].strip(" ,")
        reason = f"{where}: {why}" if where else why
        found.setdefault(what, Finding("amcheck", "critical", what, reason, hint))
    return list(found.values())[:SHOWN]


def checksums(said: str, relations: Mapping[str, str]) -> list[Finding]:
    """Return the pages that ``pg_checksums`` calls wrong; *relations* are names by file path."""
    found: dict[str, Finding] = {}
    for match in _CHECKSUM.finditer(said):
        # A relation of more than 1 GB has several files; a fork has its name behind it.
        path = re.sub(r"^.*?(?=(base|global|pg_tblspc)/)", "", match["path"])
        base = re.sub(r"(_\w+)?(\.\d+)?$", "", path)
        what = f"page with a wrong checksum in {relations.get(base, path)}"
        why = f"block {match['block']} of {path}"
        hint = "the storage below lost bytes: look at its health before anything else"
        found.setdefault(what, Finding("checksums", "critical", what, why, hint))
    return list(found.values())[:SHOWN]
