"""Commands on tables that stand already, against a real PostgreSQL, and what they printed."""

import json
from pathlib import Path
from typing import Any

from tests.catalogue import Desi

from labdb.adapters.catalogue.fingerprint import fingerprint, settle
from labdb.adapters.catalogue.tables import Target
from labdb.cli.app import run
from labdb.domain.recovery.fingerprint import TableFingerprint


class Command:
    """``labdb`` against a database."""

    def __init__(self, desi: Desi, capsys: Any) -> None:
        self.conninfo = desi.conninfo
        self.capsys = capsys
        self.answer: dict[str, Any] = {}

    def __call__(self, *words: str | Path) -> int:
        self.capsys.readouterr()
        code = run([*map(str, words), "--conninfo", self.conninfo, "--json"])
        self.answer = json.loads(self.capsys.readouterr().out)
        return code

    @property
    def error(self) -> dict[str, str]:
        return dict(self.answer["error"])


def print_of(desi: Desi, schema: str, name: str) -> TableFingerprint:
    """Return the fingerprint of a table or view."""
    with desi.session() as connection, connection.transaction():
        settle(connection)
        return fingerprint(connection, Target(schema, name))


TYPES = """
CREATE SCHEMA raw_catalogs;
CREATE TABLE raw_catalogs.every (
  source_id integer NOT NULL, yes boolean, small smallint, whole integer, long bigint,
  single real, double double precision, word text, moment timestamptz, colours real[],
  counts bigint[], ragged real[], price numeric(8,2), day date, name varchar(5), doc jsonb
);
INSERT INTO raw_catalogs.every
SELECT n, n % 2 = 0, n, -n, n * 4294967296::bigint, n / 3.0::real, n / 7.0::float8,
       repeat('é', n % 40), timestamptz '1987-02-23 07:35:35.123456Z' + n * interval '1 s',
       ARRAY[n, n / 2.0, 'NaN', 'Infinity']::real[], ARRAY[n, -n],
       array_fill(n::real, ARRAY[n % 3]),
       n / 4.0, date '2024-01-01' + n, left(n::text, 5), jsonb_build_object('n', n)
FROM generate_series(1, 1000) AS n;
INSERT INTO raw_catalogs.every (source_id) SELECT n FROM generate_series(1001, 1100) AS n;
INSERT INTO raw_catalogs.every (source_id, single, double, word, price)
VALUES (1, 'NaN', 'NaN', '', 'NaN'), (2, '-Infinity', '-0', E'a\\tb\\nc\\\\', 0),
       (3, 1.1754944e-38, 5e-324, repeat('x', 20000), 1),
       (4, '-0', 1.7976931348623157e308, ' a ', 2);
COMMENT ON COLUMN raw_catalogs.every.double IS 'A seventh. [Mpc/h] (UCD pos.distance)';
"""
"""A table of every type, with every value that is hard to carry."""
