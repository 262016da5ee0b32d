"""Research projects are apart from each other, and from the server's own databases."""

import pytest

from labdb.adapters.inventory import Declaration
from labdb.domain.everybody import all_databases
from labdb.domain.projects.apart import groups, may_meet
from labdb.verify.conftest import Sql


@pytest.fixture(autouse=True)
def _projects(declaration: Declaration) -> None:
    if not declaration.server.projects:
        pytest.skip("no projects are declared for this server")


def test_everybody_gets_into_the_databases_that_are_meant_for_them_and_no_other(
    sql: Sql, declaration: Declaration
) -> None:
    server = declaration.server
    rows = sql(
        "SELECT datname, rolname, has_database_privilege(rolname, datname, 'CONNECT') AS may "
        "FROM pg_database CROSS JOIN pg_roles WHERE rolcanlogin AND NOT rolsuper"
    )
    roles = {role.name for role in server.access.roles}
    roles |= {person.name for project in server.projects for person in project.people}
    databases = {database.name for database in all_databases(server)}
    theirs = {project.database_name for project in server.projects}
    people = {person.name for project in server.projects for person in project.people}
    for row in rows:
        database, role = row["datname"], row["rolname"]
        if role in roles and database in databases and (role in people or database in theirs):
            assert row["may"] is may_meet(server, database, role), f"{role} in {database}"


def test_nobody_logs_in_as_a_group(sql: Sql, declaration: Declaration) -> None:
    rows = sql("SELECT rolname, rolcanlogin FROM pg_roles")
    logs_in = {row["rolname"]: row["rolcanlogin"] for row in rows}
    for group in groups(declaration.server):
        assert logs_in[group.name] is False, group.name
