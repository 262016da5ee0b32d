"""Before the rows of a file: the partitions that they belong to, made and committed."""

from collections.abc import Collection

from labdb.adapters.catalogue import partitions
from labdb.adapters.catalogue.connection import connect
from labdb.adapters.catalogue.partitions import Detached
from labdb.domain.catalogue.partition import MOST, Span
from labdb.errors import RefusedError, RunError
from labdb.operations.catalogue.parts import Part

SHOWN = 5
"""Detached partitions that an error names."""


def make_room(part: Part, conninfo: str, wanted: Collection[Span]) -> None:
    """Make the partitions of *wanted* that are missing, on a connection of its own.

    They are committed before the rows are written: another file, loaded at the same time, may
    need the same one. Where the load then fails they stay, empty.

    Raises:
        RefusedError: rows belong to a partition that was detached or dropped.
        RunError: the rows are spread over more partitions than anybody can mean.
    """
    declared, target = part.table.partition, part.target
    if declared is None or not wanted:
        return
    with connect(conninfo, str(target)) as connection:
        connection.autocommit = True
        column = partitions.column(connection, target)
        if column is None:
            return  # a table from before its model said that it is partitioned
        attached = partitions.attached(connection, target)
        out = [
            *partitions.detached(connection, target, declared.step),
            *(Detached(one.name, one.span) for one in attached if one.half_detached and one.span),
        ]
        out = [one for one in out if any(one.span.meets(span) for span in wanted)]
        if out:
            raise _detached(part, column, out)
        there = [one.span for one in attached if one.span]
        missing = [
            span for span in wanted if not any(old.low <= span.low < old.high for old in there)
        ]
        if len(missing) > MOST:
            raise RunError(
                f"{part.path.name}: its rows would need {len(missing):,} new partitions",
                why=f"{column} goes from {min(wanted).low} to {max(wanted).high}, and a partition"
                f" has {declared.step}",
                hint="if the values are right, give the model a larger step; else a check",
            )
        partitions.create(connection, target, column, missing)


def _detached(part: Part, column: str, out: Collection[Detached]) -> RefusedError:
    first = next(iter(out))
    names = ", ".join(one.name for one in list(out)[:SHOWN])
    gone = first.dropped
    state = f"was dropped; its archive is {first.archive or 'unknown'}" if gone else "was detached"
    hint = (
        "bring it back from its archive, or leave the file out"
        if gone
        else f"labdb catalogue partitions attach {part.target} {first.name}, or leave the file out"
    )
    return RefusedError(
        f"{part.path.name} has rows of partitions of {part.target} that are not there: {names}",
        why=f"{first.name}, {column} {first.span}, {state}",
        hint=hint,
    )
