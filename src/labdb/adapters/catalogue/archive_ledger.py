"""The ledger of archives: which table went into which folder, and whether it came back."""

from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.sql import SQL, Identifier

from labdb import __version__
from labdb.adapters.catalogue.tables import Target, exists
from labdb.adapters.content import query
from labdb.domain.catalogue.manifest import Manifest

NAME = "archive_ledger"


@dataclass(frozen=True, slots=True)
class Line:
    """An archive of a table: its folder and the SHA-256 that its manifest says of itself."""

    table: str
    directory: str
    host: str
    manifest_sha256: str
    rows: int
    restored: bool


def lines(connection: psycopg.Connection, schema: str, table: str | None = None) -> list[Line]:
    """Return the archives of a schema's tables, or of one, newest first."""
    if not exists(connection, Target(schema, NAME)):
        return []
    rows = connection.execute(
        SQL(
            "SELECT table_name, directory, host, manifest_sha256, rows, restored_at IS NOT NULL"
            " FROM {} WHERE %(table)s::text IS NULL OR table_name = %(table)s"
            " ORDER BY archive_id DESC"
        ).format(Identifier(schema, NAME)),
        {"table": table},
    )
    return [Line(*row) for row in rows]


def add(
    connection: psycopg.Connection, made: Manifest, sha256: str, folder: Path, host: str
) -> None:
    """Write down that a table was archived; the ledger is made where it is not there."""
    connection.execute(
        "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))",
        [f"labdb catalogue archives {made.schema}"],
    )
    if not exists(connection, Target(made.schema, NAME)):
        connection.execute(
            SQL(query("catalogue/archive_ledger")).format(schema=Identifier(made.schema))
        )
    connection.execute(
        SQL(
            "INSERT INTO {} (table_name, directory, host, manifest_sha256, rows, size_bytes, hash,"
            " model, model_version, code_version)"
            " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"
        ).format(Identifier(made.schema, NAME)),
        [
            made.table, str(folder.absolute()), host, sha256, made.rows, made.size,
            made.fingerprint.hash, made.model.get("name"), made.model.get("version"), __version__,
        ],
    )  # fmt: skip


def came_back(connection: psycopg.Connection, schema: str, sha256: str) -> None:
    """Write down that a table was restored from the archive with the manifest *sha256*."""
    if exists(connection, Target(schema, NAME)):
        connection.execute(
            SQL(
                "UPDATE {} SET restored_at = clock_timestamp(), restored_by = session_user"
                " WHERE manifest_sha256 = %s"
            ).format(Identifier(schema, NAME)),
            [sha256],
        )
