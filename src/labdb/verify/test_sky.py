"""The sky functions are there and use their index."""

import json

import pytest

from labdb.adapters.inventory import Declaration
from labdb.domain.everybody import all_databases
from labdb.domain.projects.profiles import profile_of
from labdb.verify.conftest import Connect, Login, Sql

POINTS = """
CREATE TEMP TABLE labdb_verify_sky AS
SELECT (i * 137.50776405) % 360 AS ra, degrees(asin(2 * (i + 0.5) / 20000 - 1)) AS dec
  FROM generate_series(0, 19999) AS i
"""
CONES = {
    "q3c": "q3c_radial_query(ra, dec, 150.1, 2.2, 1.0)",
    "labdb": "labdb.in_cone(ra, dec, 150.1, 2.2, 1.0)",
}


def test_every_declared_extension_is_in_every_project(
    connect: Connect, declaration: Declaration, login: Login
) -> None:
    server = declaration.server
    wanted = {database.name: set(server.access.extensions) for database in all_databases(server)}
    for project in server.projects:
        wanted[project.database_name] |= set(profile_of(project).extensions)
    for database, extensions in wanted.items():
        if database in login:
            with connect(dbname=database, **login[database]) as connection:
                rows = connection.execute("SELECT extname FROM pg_extension").fetchall()
            assert extensions <= {str(row[0]) for row in rows}, database


@pytest.mark.parametrize("extension", sorted(CONES))
def test_a_cone_uses_its_index(connect: Connect, declaration: Declaration, extension: str) -> None:
    if extension not in declaration.server.access.extensions:
        pytest.skip(f"{extension} is not declared for this server")
    cone = f"SELECT count(*) FROM labdb_verify_sky WHERE {CONES[extension]}"
    with connect() as connection:
        connection.execute(POINTS)
        connection.execute("CREATE INDEX ON labdb_verify_sky (q3c_ang2ipix(ra, dec))")
        connection.execute("ANALYZE labdb_verify_sky")
        row = connection.execute(f"EXPLAIN (FORMAT JSON) {cone}").fetchone()
        found = connection.execute(cone).fetchone()
        connection.rollback()
    assert row is not None
    assert found is not None
    plan = json.dumps(row[0])
    assert "labdb_verify_sky_q3c_ang2ipix_idx" in plan
    assert "Seq Scan" not in plan
    assert 0 < int(found[0]) < 20000


def test_the_template_is_a_template_with_the_declared_schemas(
    sql: Sql, connect: Connect, declaration: Declaration
) -> None:
    access = declaration.server.access
    templates = sql("SELECT datname FROM pg_database WHERE datistemplate")
    assert access.template in {row["datname"] for row in templates}
    with connect() as connection:
        rows = connection.execute("SELECT nspname FROM pg_namespace").fetchall()
    assert set(access.schemas) <= {str(row[0]) for row in rows}
