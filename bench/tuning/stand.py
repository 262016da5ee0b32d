"""The stand that everybody is measured on: machine, data and queries, the same for all."""

import json
import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import psycopg
from bench.desi import survey
from bench.tuning import configuration, queries
from bench.tuning.contenders import Contender
from bench.tuning.machine import Machine
from psycopg import ClientCursor, sql

HERE = Path(__file__).resolve().parent
DATABASE, PGBENCH = "bench", "pgbench"
ROLES = ("analyst", "loader", "application")
OUR_STATISTICS = """
SELECT stxnamespace::regnamespace || '.' || quote_ident(stxname) FROM pg_statistic_ext
 WHERE stxname LIKE 'bench%'
"""
BLOCK = 1 << 20
BUILDING = Contender(
    "building",
    {
        "shared_buffers": "1GB",
        "maintenance_work_mem": "1GB",
        "max_wal_size": "16GB",
        "checkpoint_timeout": "30min",
    },
    "what the data are loaded with, once for everybody",
)
PGBENCH_SCALE = 50
"""pgbench_accounts of 640 MB at the survey's scale 1."""
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Stand:
    """A machine with the survey of *seed* and *scale* in its database."""

    machine: Machine
    seed: int
    scale: float
    connections: int

    @property
    def files(self) -> Path:
        """Where the survey's COPY streams are."""
        return self.machine.folder / f"survey-{self.seed}-{self.scale:g}"

    @cached_property
    def tables(self) -> Mapping[str, survey.Table]:
        """The survey's tables, written now where they are missing."""
        return {
            table.name: table
            for table in survey.write(self.files, seed=self.seed, scale=self.scale)
        }

    @cached_property
    def draws(self) -> queries.Draws:
        """The parameters of the queries."""
        return queries.Draws(self.seed, self.scale)

    @cached_property
    def queries(self) -> tuple[queries.Query, ...]:
        """The queries."""
        return queries.load()

    def build(self) -> None:
        """Load the data, unless the machine's folder has them already."""
        marker = self.machine.folder / "built"
        text = (HERE / "schema.sql").read_text() + (HERE / "indexes.sql").read_text()
        wanted = json.dumps({"seed": self.seed, "scale": self.scale, "schema": text})
        if marker.exists() and marker.read_text() == wanted:
            return
        marker.unlink(missing_ok=True)
        log.info("loading the survey at scale %g", self.scale)
        self.machine.stop()
        self.machine.initialise()
        self.machine.serve(configuration.render(BUILDING, connections=self.connections))
        with self.connect("postgres", "postgres") as connection:
            for database in (DATABASE, PGBENCH):
                connection.execute(f"CREATE DATABASE {database}")
        with self.connect("postgres") as connection:
            for statement in (*statements("schema.sql"), *statements("roles.sql")):
                connection.execute(statement)
            for table in self.tables.values():
                self.copy(connection, table, table.copy_statement())
            for statement in statements("indexes.sql"):
                connection.execute(statement)
            connection.execute("VACUUM (FREEZE, ANALYZE)")
        self.machine.run(
            f"psql -q -h /run/bench -U postgres -d {PGBENCH}"
            " -c 'GRANT ALL ON SCHEMA public TO application'"
        )
        size = max(1, round(PGBENCH_SCALE * self.scale))
        self.machine.run(f"pgbench -q -i -s {size} -h /run/bench -U application {PGBENCH}")
        self.machine.stop()
        marker.write_text(wanted)

    def take(self, contender: Contender) -> None:
        """Restart PostgreSQL as *contender*, with its statistics and a warm page cache.

        Raises:
            DoesNotStartError: PostgreSQL refused the configuration.
        """
        self.machine.serve(configuration.render(contender, connections=self.connections))
        with self.connect("postgres") as connection:
            for role in ROLES:
                connection.execute(f"ALTER ROLE {role} RESET ALL")
                for name, value in contender.roles.get(role, {}).items():
                    change = "ALTER ROLE {} SET {} = {}"
                    names = sql.Identifier(role), sql.Identifier(name), sql.Literal(value)
                    connection.execute(sql.SQL(change).format(*names))
            row = connection.execute(
                "SELECT oid FROM pg_database WHERE datname = current_database()"
            )
            (oid,) = row.fetchone() or ("",)
            self.machine.warm(str(oid))
            for (ours,) in connection.execute(OUR_STATISTICS).fetchall():
                connection.execute(f"DROP STATISTICS {ours}".encode())
            for statement in statements("statistics.sql") if contender.statistics else ():
                connection.execute(statement)
            connection.execute("ANALYZE")

    def connect(self, user: str, database: str = DATABASE) -> psycopg.Connection:
        """Return a connection whose statements are sent with their parameters in the text."""
        return psycopg.connect(
            self.machine.conninfo(user, database), autocommit=True, cursor_factory=ClientCursor
        )

    def copy(self, connection: psycopg.Connection, table: survey.Table, statement: str) -> None:
        """Send the file of *table* by *statement*."""
        path = self.files / f"{table.name}.copy"
        with path.open("rb") as file, connection.cursor().copy(statement) as copy:
            while block := file.read(BLOCK):
                copy.write(block)


def statements(name: str) -> Iterator[str]:
    """Yield the statements of a file of SQL."""
    text = (HERE / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if not line.startswith("--")]
    yield from filter(str.strip, "\n".join(lines).split(";"))
