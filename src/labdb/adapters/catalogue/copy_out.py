"""Rows of a table as the server sends them, in batches that fit into memory."""

from collections.abc import Iterator, Sequence

import psycopg
from psycopg.sql import SQL, Composable, Identifier

from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.pgcopy import TRAILER
from labdb.domain.catalogue.pgcopy_read import row

BATCH_ROWS = 1 << 16
BATCH_BYTES = 4 << 20
"""A batch ends at the first of the two."""
PIXEL = Carried("", "bigint", Kind.LONG)
"""The HEALPix pixel, as a further field of each record."""


def batches(
    connection: psycopg.Connection,
    target: Target,
    columns: Sequence[Carried],
    pixel: Composable | None = None,
) -> Iterator[list[bytes]]:
    """Yield the records of the table; with *pixel* in its order, and with it as the last field."""
    fields = [
        SQL("{}::text").format(Identifier(one.name)) if one.by_text else Identifier(one.name)
        for one in columns
    ]
    query = SQL("SELECT {} FROM {}").format(SQL(", ").join(fields), target.sql)
    if pixel is not None:
        query = SQL("SELECT {}, {} AS {} FROM {} ORDER BY {}").format(
            SQL(", ").join(fields), pixel, Identifier(_free(columns)), target.sql, pixel
        )
    statement = SQL("COPY ({}) TO STDOUT (FORMAT binary)").format(query)
    rows: list[bytes] = []
    size = 0
    with connection.cursor() as cursor, cursor.copy(statement) as copying:
        for message in map(bytes, copying):
            # Header and trailer come with the first message and in the last, which is a short one.
            if size == 0 or len(message) == len(TRAILER):
                message = row(message)  # noqa: PLW2901 - the record in it
                if not message:
                    continue
            rows.append(message)
            size += len(message)
            if len(rows) >= BATCH_ROWS or size >= BATCH_BYTES:
                yield rows
                rows, size = [], 0
    if rows:
        yield rows


def _free(columns: Sequence[Carried]) -> str:
    """Return a name that no column has."""
    taken = {one.name for one in columns}
    return next(name for name in (f"pixel{number}" for number in range(2000)) if name not in taken)
