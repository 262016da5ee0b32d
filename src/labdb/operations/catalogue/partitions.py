"""The life of partitions: listed, made ahead, detached, attached, and dropped by retention."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from labdb.adapters.catalogue import lock, partitions, tables
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.partitions import Attached, Detached
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue import partition
from labdb.domain.catalogue.partition import Span
from labdb.errors import RunError, UsageError
from labdb.operations.catalogue.parted import Parted, read
from labdb.operations.confirmation import must_name
from labdb.report import Change, Effect, Finding, Phase, Report

GROUP = "catalogue partitions"


@dataclass(frozen=True, slots=True)
class Where:
    """The table, and how to get to it."""

    conninfo: str
    target: Target
    model: str | None = None
    dry_run: bool = False


@contextmanager
def _at(where: Where, *, alone: bool) -> Iterator[tuple[psycopg.Connection, Parted]]:
    """Connect and read the table; *alone* keeps loads of it away meanwhile.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        UsageError: the table is not there, or not partitioned.
        RefusedError: a load of the table is at work.
    """
    with (
        connect(where.conninfo, str(where.target)) as connection,
        told(str(where.target)),
    ):
        connection.autocommit = True
        if alone and not where.dry_run:
            lock.take(connection, where.target)
        yield connection, read(connection, where.target, where.model)


def show(where: Where) -> Report:
    """Return the partitions of a table: range, rows by estimate, bytes, and how even they are.

    Raises:
        LabdbError: as :func:`create`.
    """
    with _at(where, alone=False) as (connection, parted):
        database = connection.info.dbname
    rows = [_row(one) for one in parted.attached]
    rows += [
        {
            "partition": one.name,
            "low": one.span.low,
            "high": one.span.high,
            "state": "dropped" if one.dropped else "detached",
            "rows": one.rows,
            "bytes": one.size,
            "archive": one.archive,
        }
        for one in parted.detached
    ]
    counted = [one.rows for one in parted.attached if one.rows > 0]
    skew = partition.skew(counted)
    findings = [
        Finding(
            "partitions.half-detached",
            "warning",
            f"{one.name} was not detached to the end",
            why="the command was broken off; queries no longer see its rows",
            hint=f"labdb catalogue partitions detach {where.target} {one.name}",
        )
        for one in parted.attached
        if one.half_detached
    ]
    return Report(
        f"{GROUP} list",
        database,
        f"{where.target} has {len(parted.attached)} partitions by {parted.column}, about"
        f" {sum(counted):,} rows; the largest has {skew:.1f} times the mean",
        findings=findings,
        data={
            "table": str(where.target),
            "column": parted.column,
            "step": parted.step,
            "skew": round(skew, 3),
            "partitions": rows,
        },
    )


def _row(one: Attached) -> dict[str, Any]:
    return {
        "partition": one.name,
        "low": one.span.low if one.span else None,
        "high": one.span.high if one.span else None,
        "state": "half detached" if one.half_detached else "attached",
        "rows": one.rows if one.rows >= 0 else None,
        "bytes": one.size,
        "archive": None,
    }


def create(where: Where, until: int) -> Report:
    """Make the partitions between the last one and that of the value *until*.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        UsageError: the table is not there or not partitioned, or that would be too many.
        RefusedError: a load is at work, a right is missing, or one was detached.
    """
    with _at(where, alone=True) as (connection, parted):
        step = _known_step(parted)
        there = [one.span for one in parted.attached if one.span]
        there += [one.span for one in parted.detached]
        try:
            wanted = partition.ahead(there, until, step)
        except ValueError as error:
            raise UsageError(
                "so many partitions are a mistake",
                why=str(error),
                hint=f"give a value of {parted.column} nearer to the last partition",
            ) from None
        if not where.dry_run:
            partitions.create(connection, where.target, parted.column, wanted)
        return Report(
            f"{GROUP} create",
            connection.info.dbname,
            f"{_would(where)}{len(wanted)} partitions of {where.target} made"
            if wanted
            else f"nothing to do: {where.target} reaches to {until} already",
            changes=[
                Change(
                    partition.name_of(where.target.name, span),
                    parted.column,
                    None,
                    str(span),
                    Effect.CREATE,
                )
                for span in wanted
            ],
            data={"dry_run": where.dry_run, "made": [_span(where, span) for span in wanted]},
        )


def _span(where: Where, span: Span) -> dict[str, Any]:
    return {
        "partition": partition.name_of(where.target.name, span),
        "low": span.low,
        "high": span.high,
    }


def _would(where: Where) -> str:
    return "would have: " if where.dry_run else ""


def _known_step(parted: Parted) -> int:
    if parted.step is None:
        raise UsageError(
            f"how wide the partitions of {parted.target} are is not known",
            why="it has none, and the model that it was loaded by is not one of labdb's",
            hint="name the model's Felis file with --model",
        )
    return parted.step


def detach(where: Where, name: str, *, confirm_name: str) -> Report:
    """Take a partition out of its table; it stays, under its own name, and can be attached.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        UsageError: there is no such partition.
        RefusedError: the typed name is another, or a load is at work.
    """
    begin = time.monotonic()
    with _at(where, alone=True) as (connection, parted):
        one = parted.one_attached(name)
        if not where.dry_run:
            must_name(
                name,
                confirm_name,
                what="it is detached",
                hint=f"labdb catalogue partitions detach {where.target} {name} --confirm {name}",
                whose="partition",
            )
            _take_out(connection, where.target, one)
        return Report(
            f"{GROUP} detach",
            connection.info.dbname,
            f"{_would(where)}{name} taken out of {where.target}",
            findings=[_way_back(where.target, name)],
            phases=(Phase("detach", time.monotonic() - begin),),
            data={"dry_run": where.dry_run, "partition": _row(one)},
        )


def _take_out(connection: psycopg.Connection, target: Target, one: Attached) -> None:
    if one.span is None:
        raise UsageError(
            f"{one.name} has no range of whole numbers",
            why="it is the default partition, or its bounds are no numbers: labdb did not make it",
            hint="detach it with ALTER TABLE",
        )
    # The ledger first: broken off in between, the partition is there and the line means nothing.
    partitions.remember(connection, target, one.name, one.span)
    partitions.detach(connection, target, one)


def _way_back(target: Target, name: str) -> Finding:
    return Finding(
        "partitions.detached",
        "info",
        f"{target.schema}.{name} stays a table of its own; loads of its rows are refused",
        hint=f"labdb catalogue partitions attach {target} {name}",
    )


def attach(where: Where, name: str) -> Report:
    """Take a table that was detached in again; a CHECK comes first, so no lock waits for a scan.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        UsageError: no such table was detached.
        RefusedError: a load is at work.
        RunError: it has rows that are not of its range.
    """
    begin = time.monotonic()
    with _at(where, alone=True) as (connection, parted):
        one = parted.one_detached(name)
        if not where.dry_run:
            try:
                partitions.attach(connection, where.target, parted.column, one)
            except psycopg.errors.CheckViolation as error:
                raise RunError(
                    f"{name} has rows that do not belong to {one.span}",
                    why=error.diag.message_primary or "",
                    hint=f"look at them: SELECT FROM {where.target.schema}.{name} WHERE NOT"
                    f" ({parted.column} >= {one.span.low} AND {parted.column} < {one.span.high})",
                ) from error
        return Report(
            f"{GROUP} attach",
            connection.info.dbname,
            f"{_would(where)}{name} is {parted.column} {one.span} of {where.target}",
            phases=(Phase("attach", time.monotonic() - begin),),
            data={"dry_run": where.dry_run, "partition": name, "low": one.span.low,
                  "high": one.span.high},
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Retention:
    """How many of the newest partitions with rows stay; *unarchived* may go without an archive."""

    keep: int
    confirm_name: str
    unarchived: Sequence[str] = ()


def expire(
    where: Where, retention: Retention, archive: Callable[[Target], str] | None = None
) -> Report:
    """Detach what is older than retention says, and let *archive* take it away.

    *archive* proves an archive of a table, drops the table, and returns the place. Without it, a
    partition stays, detached, unless its name is in *retention.unarchived*.

    Raises:
        UnreachableError: PostgreSQL does not answer.
        UsageError: a name is not that of a partition that expires.
        RefusedError: the typed name is another, something depends on a partition, or a load is at
            work.
        RunError: the files of an archive are not what was written; that partition stays.
    """
    with _at(where, alone=True) as (connection, parted):
        going, waiting = _expired(connection, parted, retention.keep)
        names = [*(one.name for one in waiting), *(one.name for one in going)]
        if odd := sorted(set(retention.unarchived) - set(names)):
            raise UsageError(
                f"{odd[0]} does not expire",
                why=f"what expires: {', '.join(names) or 'nothing'}",
                hint=f"labdb catalogue partitions list {where.target}",
            )
        if names and not where.dry_run:
            must_name(
                str(where.target),
                retention.confirm_name,
                what="partitions expire",
                hint=f"labdb catalogue partitions expire {where.target} --keep {retention.keep}"
                f" --confirm {where.target}",
                whose="table",
            )
            for one in going:
                _take_out(connection, where.target, one)
        changes, findings = [], []
        for name in names:
            now = "attached" if name in {one.name for one in going} else "detached"
            part = Target(where.target.schema, name)
            if name in retention.unarchived:
                if not where.dry_run:
                    partitions.drop(connection, part)
                changes.append(Change(name, "state", now, "dropped", Effect.LIVE))
            elif archive is not None:
                place = "" if where.dry_run else archive(part)
                changes.append(Change(name, "state", now, "archived", Effect.LIVE, place))
            else:
                findings.append(_kept(part))
                if now == "attached":
                    changes.append(Change(name, "state", now, "detached", Effect.LIVE))
        dropped = sum(change.after != "detached" for change in changes)
        return Report(
            f"{GROUP} expire",
            connection.info.dbname,
            f"{_would(where)}{len(going)} partitions of {where.target} detached, {dropped} dropped"
            if names
            else f"nothing to do: {where.target} has no partition older than the newest"
            f" {retention.keep}",
            changes=changes,
            findings=findings,
            data={"dry_run": where.dry_run, "expired": names},
        )


def _expired(
    connection: psycopg.Connection, parted: Parted, keep: int
) -> tuple[list[Attached], list[Detached]]:
    """Return the partitions that are too old, and those that were detached before."""
    there = {one.span: one for one in parted.attached if one.span}
    filled = [
        span
        for span, one in there.items()
        if not tables.is_empty(connection, Target(parted.target.schema, one.name))
    ]
    oldest = partition.cutoff(filled, keep)
    if oldest is None:
        return [], []
    return (
        [one for span, one in there.items() if span.high <= oldest],
        [one for one in parted.detached if one.size is not None and one.span.high <= oldest],
    )


def _kept(part: Target) -> Finding:
    return Finding(
        "partitions.not-archived",
        "warning",
        f"{part} was not dropped",
        why="there is no archive of it",
        hint=f"--archive-to DIRECTORY makes one; or give it up: --drop-unarchived {part.name}",
    )
