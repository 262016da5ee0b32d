"""The catalogue that is asked: galaxies sorted and indexed, a sample beside them, voids."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from bench.desi import cosmology, galaxies, pgcopy, voids

SEED = 1
WHOLE = sum(galaxies.ROWS)
FARTHEST = 0.24
"""Redshift of the volume-limited sample that voids are found in."""
CELL = 100
"""Edge of the cells [Mpc/h] that galaxies are sorted by before they are indexed in space."""
SORTED = """
CREATE TABLE galaxies AS SELECT * FROM loaded ORDER BY q3c_ang2ipix(ra, dec)
"""
SAMPLED = """
CREATE TABLE sample AS
SELECT targetid, ra, least(dec + 0.3 / 3600, 90) AS dec
  FROM galaxies ORDER BY hashint8(targetid) LIMIT {}
"""


def make(connection: psycopg.Connection, rows: int, sample: int) -> dict[str, float]:
    """Fill tables ``galaxies`` and ``sample``; return the seconds of each step."""
    seconds: dict[str, float] = {}

    @contextmanager
    def step(name: str) -> Iterator[None]:
        begin = time.monotonic()
        yield
        seconds[name] = time.monotonic() - begin

    connection.execute("CREATE TABLE loaded (targetid bigint, ra float8, dec float8, z float8)")
    columns = ("targetid", "ra", "dec", "z")
    batches = (
        {name: getattr(part, name) for name in columns}
        for part in galaxies.generate(SEED, rows / WHOLE)
    )
    with (
        step("load"),
        connection.cursor().copy("COPY loaded FROM STDIN (FORMAT binary)") as copy,
    ):
        for chunk in pgcopy.stream(batches):
            copy.write(chunk)
    with step("sort"):
        connection.execute(SORTED)
    with step("index"):
        connection.execute("CREATE INDEX ON galaxies (q3c_ang2ipix(ra, dec))")
    connection.execute("DROP TABLE loaded")
    connection.execute(SAMPLED.format(sample))
    connection.execute("VACUUM ANALYZE")
    return seconds


def space(connection: psycopg.Connection) -> None:
    """Fill tables ``nearby`` and ``voids``, with positions in Mpc/h."""
    connection.execute("INSERT INTO labdb.cosmology VALUES ('bench', 100, %s, 'bench/desi')",
                       [cosmology.MATTER])  # fmt: skip
    connection.execute(
        "CREATE TABLE nearby AS SELECT * FROM (SELECT targetid, labdb.cartesian(ra, dec, "
        "labdb.comoving_distance_h(z, c)) AS position FROM galaxies, labdb.cosmology AS c "
        f"WHERE c.name = 'bench' AND z < {FARTHEST}) AS g ORDER BY labdb.cell(position, {CELL})"
    )
    connection.execute("CREATE INDEX ON nearby USING gist (position)")
    connection.execute(
        "CREATE TABLE voids (void_id bigint, position cube, radius float8, edge int)"
    )
    number = 0
    with connection.cursor().copy("COPY voids FROM STDIN") as copy:
        for piece in voids.generate(SEED, 1.0):
            for centre, radius in zip(piece.xyz.T.tolist(), piece.radius, strict=True):
                copy.write_row((number, str(tuple(centre)), float(radius), None))
                number += 1
    connection.execute("VACUUM ANALYZE")
