"""The two traps of catalogues in PostgreSQL: an innocent index, and partitions of the sky."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.sql import SQL, Literal
from tests.integration.sky.conftest import Container

from labdb.adapters.catalogue import questions
from labdb.domain.catalogue import plan
from labdb.domain.catalogue.plan import Node

ROWS = 100_000
ORDER = 1
PIXELS = 48
CENTRE = (150.1, 2.2)


@pytest.fixture(scope="module")
def stars(container: Container) -> Iterator[psycopg.Connection]:
    """Evenly spread positions in one table, and the same in one partition for each large pixel."""
    with container.connect("postgres") as connection:
        connection.execute("CREATE DATABASE traps")
    with container.connect("traps") as connection:
        connection.execute("CREATE EXTENSION labdb CASCADE")
        connection.execute(
            SQL("CREATE TABLE one AS SELECT *, labdb.healpix(ra, dec, {}) AS pixel FROM ("
                "SELECT n AS targetid, ((n * 137.50776405) % 360)::float8 AS ra,"
                " degrees(asin(2 * (n + 0.5) / {} - 1)) AS dec"
                " FROM generate_series(0, {} - 1) AS n) AS made"
                " ORDER BY q3c_ang2ipix(ra, dec)").format(Literal(ORDER), Literal(ROWS),
                                                         Literal(ROWS))
        )  # fmt: skip
        connection.execute("CREATE TABLE many (LIKE one) PARTITION BY LIST (pixel)")
        for pixel in range(PIXELS):
            connection.execute(
                SQL("CREATE TABLE {} PARTITION OF many FOR VALUES IN ({})").format(
                    SQL(f"many_{pixel}"),
                    Literal(pixel),  # a number
                )
            )
        connection.execute("INSERT INTO many SELECT * FROM one")
        for table in ("one", "many"):
            connection.execute(f"CREATE INDEX {table}_sky ON {table} (q3c_ang2ipix(ra, dec))")
        connection.execute("ANALYZE")
        yield connection


def _ran(connection: psycopg.Connection, table: str, more: str = "") -> Node:
    text = (
        f"SELECT count(*) FROM {table} AS m"
        f" WHERE labdb.in_cone(m.ra, m.dec, {CENTRE[0]}, {CENTRE[1]}, 0.1){more}"
    )
    query = SQL("{}").format(SQL(text))
    questions.explain(connection, query, run=True)  # once before: what it reads is then warm
    return plan.read(questions.explain(connection, query, run=True))


def _partitions(node: Node) -> int:
    return len({name for name in plan.relations(node) if name.startswith("many_")})


def test_a_cone_of_a_partitioned_sky_asks_every_partition(stars: psycopg.Connection) -> None:
    """bar of the design, d4: 219 ms in place of 2.4 ms; here by partitions and by pages."""
    whole, parted = _ran(stars, "one"), _ran(stars, "many")
    assert _partitions(parted) == PIXELS
    assert parted.buffers > 10 * whole.buffers


def test_the_pixel_beside_the_cone_leaves_all_other_partitions_out(
    stars: psycopg.Connection,
) -> None:
    row = stars.execute("SELECT labdb.healpix(%s, %s, %s)", [*CENTRE, ORDER]).fetchone()
    assert row is not None
    whole, pruned = _ran(stars, "one"), _ran(stars, "many", f" AND m.pixel = {row[0]}")
    assert _partitions(pruned) == 1
    assert pruned.buffers <= 2 * whole.buffers


def _asks_q3c(connection: psycopg.Connection, what: str = "count(*)") -> bool:
    rows = connection.execute(
        f"EXPLAIN SELECT {what} FROM (SELECT ra, dec FROM one LIMIT 200) AS l, one AS m"
        " WHERE q3c_join(l.ra, l.dec, m.ra, m.dec, 1 / 3600.0)".encode()
    )
    return any("one_sky" in row[0] for row in rows)


@pytest.mark.parametrize("columns", ["ra, dec", "dec, ra", "targetid, dec, ra"])
def test_an_index_on_both_coordinates_leads_a_cross_match_away_from_q3c(
    stars: psycopg.Connection, columns: str
) -> None:
    assert _asks_q3c(stars)
    stars.execute(f"CREATE INDEX innocent ON one ({columns})".encode())
    assert not _asks_q3c(stars)
    stars.execute("DROP INDEX innocent")
    assert _asks_q3c(stars)


def test_it_does_so_by_the_index_only_scan_that_it_makes_possible(
    stars: psycopg.Connection,
) -> None:
    stars.execute("CREATE INDEX innocent ON one (ra, dec)")
    assert _asks_q3c(stars, "m.targetid")  # a column that is not in the index
    stars.execute("SET enable_indexonlyscan = off")
    assert _asks_q3c(stars)
    stars.execute("RESET enable_indexonlyscan")
    stars.execute("DROP INDEX innocent")
