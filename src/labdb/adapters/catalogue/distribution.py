"""Where a table's rows lie, on the sky and by value: counted in the database, bin by bin."""

from collections.abc import Sequence
from dataclasses import dataclass

import psycopg
from psycopg.sql import SQL, Identifier, Literal

from labdb.adapters.catalogue.expressions import condition, expression
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.table import Table
from labdb.spec.check import Histogram

POINTS = 20_000
"""Up to so many rows are shown as points; beyond, as a density."""
ALONG, ACROSS = 180, 90
"""Bins of the sky: even in right ascension and in the sine of declination, so of one area."""
LINES = 8
"""Groups of a histogram that are drawn: those with most rows."""


@dataclass(frozen=True, slots=True)
class Sky:
    """Positions in degrees, or the rows of each bin (right ascension, declination)."""

    points: tuple[tuple[float, float], ...] = ()
    bins: tuple[tuple[int, int, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Counts:
    """The rows of each bin of one group, and how many lie outside of all."""

    group: str
    bins: tuple[int, ...]
    outside: int


def sky(connection: psycopg.Connection, target: Target, ra: str, dec: str) -> Sky:
    """Return where the rows of a table lie: as points where they are few, else by bins."""
    names = {"ra": Identifier(ra), "dec": Identifier(dec), "table": target.sql}
    there = SQL("{ra} >= 0 AND {ra} < 360 AND {dec} BETWEEN -90 AND 90").format(**names)
    some = SQL("SELECT {ra}::float8, {dec}::float8 FROM {table} WHERE {there} LIMIT {most}")
    found = connection.execute(
        some.format(**names, there=there, most=Literal(POINTS + 1)), binary=True
    ).fetchall()
    if len(found) <= POINTS:
        return Sky(points=tuple(found))
    bins = SQL(
        "SELECT floor({ra} / 360 * {along})::int,"
        " least(floor((sin(radians({dec})) + 1) / 2 * {across}), {across} - 1)::int, count(*)"
        " FROM {table} WHERE {there} GROUP BY 1, 2"
    ).format(**names, there=there, along=Literal(ALONG), across=Literal(ACROSS))
    return Sky(bins=tuple(connection.execute(bins, binary=True).fetchall()))


def histogram(
    connection: psycopg.Connection, plot: Histogram, places: Sequence[tuple[Target, Table]]
) -> tuple[Counts, ...]:
    """Return the counts of *plot* over all *places*: one for each group, the largest first."""
    found: dict[str, tuple[list[int], int]] = {}
    for target, table in places:
        value = expression(plot.of, table)
        by = SQL("{}::text").format(Identifier(plot.by)) if plot.by else SQL("''")
        query = SQL(
            "SELECT coalesce({by}, 'NULL'), width_bucket({value}::float8, {low}, {high}, {bins}),"
            " count(*) FROM {table} WHERE {meant} AND {value}::float8 < 'Infinity' GROUP BY 1, 2"
        ).format(
            by=by,
            value=value,
            low=Literal(plot.minimum),
            high=Literal(plot.maximum),
            bins=Literal(plot.bins),
            table=target.sql,
            meant=condition(plot.where, table),
        )
        for group, number, count in connection.execute(query, binary=True):
            bins, outside = found.get(group, ([0] * plot.bins, 0))
            inside = 1 <= number <= plot.bins
            if inside:
                bins[number - 1] += count
            found[group] = (bins, outside + (0 if inside else count))
    counts = [Counts(group, tuple(bins), outside) for group, (bins, outside) in found.items()]
    counts.sort(key=lambda one: (-sum(one.bins), one.group))
    return tuple(counts[:LINES])
