"""Projects in a real PostgreSQL 16, made by the queries of role postgresql_access: each apart."""

import json
import subprocess
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import yaml
from tests.pages import TOP
from tests.postgres16 import Postgres16

from labdb.domain.everybody import all_databases, all_roles
from labdb.domain.projects.apart import may_meet
from labdb.domain.variables import role_variables
from labdb.spec import Environment, Server

pytestmark = pytest.mark.postgres

FILES = TOP / "roles/postgresql_access/files"
PROJECTS = [
    {
        "name": name,
        "profile": profile,
        "people": [
            {"name": f"{name}_dev", "kind": "owner"},
            {"name": f"{name}_loader", "kind": "loader"},
            {"name": f"{name}_analyst", "kind": "analyst"},
        ],
        "limits": limits,
    }
    for name, profile, limits in (
        ("voids", "void-galaxies", {"connections": 3}),
        ("winds", "agn-outflows", {}),
    )
]


class Cluster:
    """A running server: asked as anybody, and made equal to a declaration as the role does it."""

    def __init__(self, server: Postgres16) -> None:
        self.server = server

    def ask(
        self, text: str, database: str = "postgres", role: str = "postgres"
    ) -> "subprocess.CompletedProcess[str]":
        return self.server.run(
            "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.server.scratch),
            "-U", role, "-d", database, "-c", text,
        )  # fmt: skip

    def sql(self, text: str, database: str = "postgres", role: str = "postgres") -> str:
        done = self.ask(text, database, role)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def refused(self, text: str, database: str, role: str) -> str:
        done = self.ask(text, database, role)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def apply(self, declaration: Mapping[str, Any]) -> list[str]:
        """Run what is missing, and return it."""
        names = [item["name"] for item in declaration["databases"]]
        steps = [
            ("roles", ["postgres"]),
            ("contents", [declaration["template"]]),
            ("databases", ["postgres"]),
            ("contents", names),
        ]
        return [
            statement
            for file, databases in steps
            for database in databases
            for statement in self._missing(file, database, declaration)
        ]

    def _missing(self, file: str, database: str, declaration: Mapping[str, Any]) -> list[str]:
        told = json.dumps(declaration).replace("'", "''")
        query = (FILES / f"{file}.sql").read_text(encoding="utf-8")
        script = self.server.scratch / "query.sql"
        script.write_text(f"SET labdb.declaration = '{told}';\n{query}", encoding="utf-8")
        script.chmod(0o644)
        where = ("psql", "-XAtq", "-h", str(self.server.scratch), "-U", "postgres", "-d", database)
        asked = self.server.run(*where, "-0", "-v", "ON_ERROR_STOP=1", "-f", str(script))
        assert asked.returncode == 0, asked.stderr
        found = [row.strip() for row in asked.stdout.split("\0") if row.strip()]
        script.write_text("".join(f"{statement};\n" for statement in found), encoding="utf-8")
        done = self.server.run(*where, "-v", "ON_ERROR_STOP=1", "-f", str(script))
        assert done.returncode == 0, done.stderr
        return found


def _read(path: str) -> Any:
    return yaml.safe_load((TOP / "inventories/production" / path).read_text(encoding="utf-8"))


def _server(projects: list[dict[str, Any]]) -> Server:
    return Server.model_validate(
        _read("host_vars/proj-pg01/server.yml")["labdb_server"] | {"projects": projects}
    )


def _declaration(projects: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the role hands to its queries; of extensions, what every PostgreSQL has."""
    environment = Environment.model_validate(
        _read("group_vars/all/environment.yml")["labdb_environment"]
    )
    given = role_variables(_server(projects), environment)
    names = ("groups", "roles", "template", "databases", "schemas")
    found = {name: given[f"postgresql_access_{name}"] for name in names}
    found["databases"] = [item | {"extensions": []} for item in found["databases"]]
    return found | {"template_owner": "postgres", "extensions": [], "reset": []}


@pytest.fixture(scope="module")
def cluster(postgres16: Postgres16) -> Iterator[Cluster]:
    data = postgres16.initialise("projects")
    postgres16.start(data)
    made = Cluster(postgres16)
    made.apply(_declaration([]))
    made.apply(_declaration(PROJECTS))
    yield made
    postgres16.stop(data)


def test_a_second_run_changes_nothing(cluster: Cluster) -> None:
    assert cluster.apply(_declaration(PROJECTS)) == []


@pytest.mark.parametrize("role", ["voids_dev", "voids_loader", "voids_analyst"])
def test_the_people_of_a_project_get_into_its_database_and_no_other(
    cluster: Cluster, role: str
) -> None:
    assert cluster.sql("select current_database()", "voids", role) == "voids"
    for other in ("winds", "desi_void_desivast", "postgres", "template1"):
        assert "permission denied for database" in cluster.refused("select 1", other, role)


def test_who_may_connect_is_what_the_plan_says_of_everybody(cluster: Cluster) -> None:
    server = _server(PROJECTS)
    rows = cluster.sql(
        "select datname, rolname, has_database_privilege(rolname, datname, 'CONNECT') "
        "from pg_database cross join pg_roles where rolcanlogin and not rolsuper"
    )
    may = {tuple(row.split("|")[:2]): row.endswith("|t") for row in rows.splitlines()}
    for database in all_databases(server):
        for role in all_roles(server):
            told = may_meet(server, database.name, role.name)
            assert may[database.name, role.name] is told, f"{role.name} in {database.name}"


@pytest.mark.parametrize("role", ["desi_dev", "desi_loader", "desi_analyst"])
def test_the_servers_own_roles_get_into_no_project(cluster: Cluster, role: str) -> None:
    assert "permission denied for database" in cluster.refused("select 1", "voids", role)
    assert cluster.sql("select 1", "desi_void_desivast", role) == "1"


def test_an_administrator_gets_in_everywhere_and_reads_what_is_there(cluster: Cluster) -> None:
    cluster.sql("create table public.seen as select 5 as id", "voids", "voids_dev")
    assert cluster.sql("select id from public.seen", "voids", "clusteradmin_pg01") == "5"


@pytest.mark.parametrize("project", ["voids", "winds"])
def test_no_grant_in_a_project_names_anybody_from_outside(cluster: Cluster, project: str) -> None:
    grants = """
        select distinct grantee::regrole
        from (
            select (aclexplode(nspacl)).grantee from pg_namespace
            union all select (aclexplode(defaclacl)).grantee from pg_default_acl
            union all select (aclexplode(relacl)).grantee from pg_class where relacl is not null
            union all
            select (aclexplode(datacl)).grantee from pg_database where datname = current_database()
        ) as found
        where grantee <> 0
    """
    insiders = {
        "postgres",
        "pg_database_owner",
        "clusteradmin_pg01",
        "pg_monitor",
        "pg_read_all_stats",
    }
    found = set(cluster.sql(grants, project).split()) - insiders
    assert f"{project}_reader" in found
    assert {name for name in found if not name.startswith(project)} == set()
    public = "select has_schema_privilege('public', 'public', 'usage, create')"
    assert cluster.sql(public, project) == "f"


@pytest.mark.parametrize("maker", ["voids_dev", "voids_loader"])
def test_what_any_writer_makes_in_a_new_schema_is_readable_at_once(
    cluster: Cluster, maker: str
) -> None:
    schema = f"new_of_{maker}"
    cluster.sql(f"create schema {schema}", "voids", maker)
    cluster.sql(f"create table {schema}.galaxy as select 7 as id", "voids", maker)
    assert cluster.sql(f"select id from {schema}.galaxy", "voids", "voids_analyst") == "7"
    cluster.sql(f"insert into {schema}.galaxy values (8)", "voids", "voids_loader")
    cluster.sql(f"insert into {schema}.galaxy values (9)", "voids", "voids_dev")
    cluster.sql(f"create table {schema}.other ()", "voids", "voids_loader")


def test_each_profile_brings_its_schemas_and_loaders_make_tables_in_them(cluster: Cluster) -> None:
    cluster.sql("create table embeddings.latent as select 1 as id", "voids", "voids_loader")
    assert cluster.sql("select id from embeddings.latent", "voids", "voids_analyst") == "1"
    schema = "select to_regnamespace('embeddings') is null, to_regnamespace('fit_results')::text"
    assert cluster.sql(schema, "winds") == "t|fit_results"


def test_an_analyst_reads_and_changes_nothing(cluster: Cluster) -> None:
    cluster.sql("create table raw_catalogs.mine as select 1 as id", "voids", "voids_dev")
    for change in (
        "insert into raw_catalogs.mine values (2)",
        "drop table raw_catalogs.mine",
        "create table raw_catalogs.theirs ()",
        "create table public.theirs ()",
        "create schema theirs",
    ):
        assert cluster.refused(change, "voids", "voids_analyst")


def test_nobody_locks_or_sees_the_tables_of_another_project(cluster: Cluster) -> None:
    cluster.sql("create table raw_catalogs.held ()", "winds", "winds_dev")
    for act in (
        "lock table raw_catalogs.held in access share mode",
        "table raw_catalogs.held",
        "create table public.intruder ()",
        "create table raw_catalogs.intruder ()",
        "create schema intruder",
    ):
        refused = cluster.refused(f"set role voids_dev; {act}", "winds", "postgres")
        assert "permission denied" in refused, act


def test_a_full_project_stops_nobody_else(cluster: Cluster) -> None:
    limit = "select datconnlimit from pg_database where datname = 'voids'"
    assert cluster.sql(limit) == "3"
    hold = [
        str(cluster.server.bin / "psql"), "-XAtq", "-h", str(cluster.server.scratch),
        "-U", "voids_dev", "-d", "voids", "-c", "select 'here'", "-c", "select pg_sleep(60)",
    ]  # fmt: skip
    sessions = [
        subprocess.Popen(hold, stdout=subprocess.PIPE, env={"LC_ALL": "C"}) for _ in range(3)
    ]
    try:
        for session in sessions:
            assert session.stdout is not None
            assert session.stdout.readline() == b"here\n"
        refused = cluster.refused("select 1", "voids", "voids_analyst")
        assert 'too many connections for database "voids"' in refused
        assert cluster.sql("select 1", "winds", "winds_analyst") == "1"
        assert cluster.sql("select 1", "desi_void_desivast", "desi_dev") == "1"
    finally:
        for session in sessions:
            session.kill()
            session.wait()
            assert session.stdout is not None
            session.stdout.close()
        end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity where datname = 'voids'"
        cluster.sql(end)


def test_what_is_opened_by_hand_is_closed_by_the_next_run(cluster: Cluster) -> None:
    cluster.sql("grant connect on database winds to voids_analyst")
    cluster.sql("grant winds_reader to voids_analyst; alter role winds_reader login")
    cluster.sql("grant connect on database desi_void_desivast to voids_reader")
    cluster.sql("create table public.open (); grant select on public.open to desi_dev", "winds")
    done = cluster.apply(_declaration(PROJECTS))
    assert "REVOKE winds_reader FROM voids_analyst" in done
    assert "REVOKE ALL ON TABLE public.open FROM desi_dev" in done
    assert len(done) == 5
    assert "permission denied" in cluster.refused("select 1", "winds", "voids_analyst")
    assert cluster.apply(_declaration(PROJECTS)) == []


def test_limits_of_a_project_hold_for_its_people(cluster: Cluster) -> None:
    shown = "select current_setting('temp_file_limit'), current_setting('statement_timeout')"
    assert cluster.sql(shown, "voids", "voids_analyst").endswith("|12h")
    assert cluster.sql(shown, "voids", "voids_loader") == "20GB|0"
    assert "permission denied" in cluster.refused(
        "set temp_file_limit = -1", "voids", "voids_loader"
    )
