"""What one table or view holds, as ``sql/fingerprint.sql`` says it of all tables."""

import psycopg

from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.recovery.fingerprint import TableFingerprint

SETTINGS = {
    "search_path": "pg_catalog",
    "TimeZone": "UTC",
    "DateStyle": "ISO, YMD",
    "IntervalStyle": "postgres",
    "extra_float_digits": "1",
    "bytea_output": "hex",
    "lc_monetary": "C",
}
"""Everything that changes how a row is shown, as ``sql/fingerprint.sql`` sets it."""


def settle(connection: psycopg.Connection) -> None:
    """Fix how values are shown, until the transaction ends."""
    for name, value in SETTINGS.items():
        connection.execute("SELECT set_config(%s, %s, true)", [name, value])


def fingerprint(connection: psycopg.Connection, target: Target) -> TableFingerprint:
    """Return the fingerprint of a table or view; :func:`settle` comes first.

    Types that live outside of pg_catalog show their values in the same way.
    """
    questions = connection.execute(
        query("catalogue/fingerprint"), {"table": target.quoted(connection)}
    ).fetchall()
    if not questions:
        raise psycopg.errors.UndefinedTable(f"{target} is not there")
    answers = [connection.execute(text).fetchone() for (text,) in questions]
    rows, found = answers[0][:2] if answers[0] else (0, "0")
    sums, minima, maxima = (
        {name: value for one in answers if one for name, value in one[place].items()}
        for place in (2, 3, 4)
    )
    return TableFingerprint(target.schema, target.name, rows, found, sums, minima, maxima)
