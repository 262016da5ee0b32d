"""Export a schema of the database in Felis's words, and compare it with a model."""

from dataclasses import dataclass
from typing import Any

from labdb.adapters.catalogue import live, loaded, tap_schema
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.loaded import Loaded
from labdb.domain.catalogue import difference, felis
from labdb.domain.catalogue.live import LiveTable
from labdb.domain.catalogue.table import Model
from labdb.errors import UsageError
from labdb.report import Finding, Report

COMMAND = "catalogue felis"
HINT = "undo it, or let the model say it too, in a new version (labdb catalogue migrate)"


@dataclass(frozen=True, slots=True)
class _Found:
    """A schema of the database."""

    database: str
    description: str
    tables: list[LiveTable]
    loads: dict[str, Loaded]
    published: dict[tuple[str, str], tuple[str | None, bool]]


def _look(conninfo: str, schema: str) -> _Found:
    with told(schema), connect(conninfo, schema) as connection:
        tables = live.schema(connection, schema)
        if not tables:
            raise UsageError(
                f"the schema {schema} has no table that we can read",
                why=f"the database is {connection.info.dbname}",
                hint="name another one with --schema",
            )
        return _Found(
            connection.info.dbname,
            tap_schema.comment(connection, schema) or "",
            tables,
            {one.target.name: one for one in loaded.catalogues(connection, schema)},
            tap_schema.published(connection, schema),
        )


def export(conninfo: str, schema: str) -> Report:
    """Return the tables of *schema* as a Felis document, in the report's data.

    Raises:
        UsageError: the schema has no tables.
        UnreachableError: PostgreSQL does not answer.
    """
    found = _look(conninfo, schema)
    models = {(one.model, one.model_version) for one in found.loads.values()}
    names = ", ".join(sorted(f"{name} {version}" for name, version in models))
    description = found.description or (f"Catalogues of {names}" if names else schema)
    version = next(iter(models))[1] if len(models) == 1 else None
    document: dict[str, Any] = felis.document(
        schema, description, version, found.tables, found.published
    )
    columns = sum(len(table["columns"]) for table in document["tables"])
    return Report(
        COMMAND,
        found.database,
        f"{len(found.tables)} tables with {columns} columns of {schema}",
        findings=[
            Finding(
                "catalogue.felis",
                "info",
                f"{one} is left out",
                why="Felis has no word for its type",
            )
            for one in felis.left_out(found.tables)
        ],
        data={"felis": document},
    )


def diff(conninfo: str, schema: str, model: Model) -> Report:
    """Compare the tables of *schema* that *model* loaded with it: each difference is a finding.

    Raises:
        UsageError: the schema has no table of the model.
        UnreachableError: PostgreSQL does not answer.
    """
    found = _look(conninfo, schema)
    by_name = {table.name: table for table in model.tables}
    pairs = [
        (by_name[found.loads[table.name].model_table], table)
        for table in found.tables
        if table.name in found.loads
        and found.loads[table.name].model == model.name
        and found.loads[table.name].model_table in by_name
    ]
    if not pairs:
        raise UsageError(
            f"the schema {schema} has no table of model {model.name}",
            why="the ledger of loads tells which table is of which model",
            hint="name another schema with --schema, or another model",
        )
    differs = [
        one
        for table, there in pairs
        for one in (*difference.columns(table, there), *difference.indexes(table, there))
    ]
    return Report(
        COMMAND,
        found.database,
        f"{len(pairs)} tables of model {model.name} {model.version} compared, "
        f"{len(differs) or 'no'} differences",
        findings=[Finding("catalogue.felis", "warning", str(one), hint=HINT) for one in differs],
        data={"tables": [there.name for _, there in pairs]},
    )
