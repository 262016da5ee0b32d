"""Ask a loaded table what its rules want to know: reading only, all in one snapshot."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import IsolationLevel
from psycopg.sql import SQL, Composed, Identifier, Literal

from labdb.adapters.catalogue import ledger, rule_sql
from labdb.adapters.catalogue.connection import told
from labdb.adapters.catalogue.tables import Target
from labdb.adapters.content import query
from labdb.domain.catalogue.check import Answer, Figure, Question, Reading
from labdb.domain.catalogue.table import Table
from labdb.domain.catalogue.verdict import WHOLE
from labdb.errors import RunError
from labdb.spec.check import Unique

APPLICATION = "labdb catalogue check"
AGAIN = "run the same command again: a check changes nothing"
EXAMPLES = 5
WIDTH = 4
"""Columns of an answer to one question: value, rows, least, largest."""
NO_GROUP = "NULL"
LONGEST = 200
"""Characters of a value that is shown."""


@contextmanager
def snapshot(connection: psycopg.Connection, timeout: int) -> Iterator[None]:
    """Let all that is asked inside be one moment's truth, change nothing, and take no longer.

    One READ ONLY transaction at REPEATABLE READ; each statement has *timeout* seconds; functions
    are those of PostgreSQL, whatever ``search_path`` the role has.

    Raises:
        RunError: a statement took longer.
    """
    connection.read_only = True
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    settings = {
        "application_name": APPLICATION,
        "statement_timeout": f"{timeout}s",
        "search_path": "pg_catalog",
        "extra_float_digits": "0",
    }
    with told("check", AGAIN):
        try:
            with connection.transaction():
                for name, value in settings.items():
                    connection.execute("SELECT set_config(%s, %s, true)", [name, value])
                yield
        except psycopg.errors.QueryCanceled as error:
            raise RunError(
                "a question took too long",
                why=f"PostgreSQL was given {timeout} s for each statement",
                hint="give it more with --timeout, or ask less with --table",
            ) from error


def _rows(connection: psycopg.Connection, statement: Composed) -> list[tuple[Any, ...]]:
    # The binary format takes the extended protocol, which lets one statement through and no more.
    return connection.execute(statement, binary=True).fetchall()


def answers(
    connection: psycopg.Connection,
    reading: Reading,
    target: Target,
    table: Table,
    others: dict[str, Target],
) -> dict[Question, Answer]:
    """Return what the table answers to each question of *reading*.

    Where values make a statement impossible, say a division by zero, its questions are asked one
    by one, and the answer of the guilty one tells the trouble.
    """
    (first, *rest) = reading.questions
    if not rest and isinstance(first.rule, Unique) and not first.rule.where:
        index = _unique_index(connection, target, first.rule)
        if index:
            return {first: Answer({}, enforced_by=index)}
    try:
        with connection.transaction():
            rows = _rows(connection, rule_sql.statement(reading, target, table, others))
    except (psycopg.DataError, psycopg.ProgrammingError) as error:
        if isinstance(error, psycopg.errors.InsufficientPrivilege):
            raise
        if not rest:
            return {first: Answer({}, trouble=_said(error))}
        return {
            question: answer
            for each in reading.questions
            for question, answer in answers(
                connection, Reading((each,), reading.by), target, table, others
            ).items()
        }
    return {
        question: Answer({_group(reading, row[0]): _figure(row, place) for row in rows})
        for place, question in enumerate(reading.questions)
    }


def _group(reading: Reading, value: str | None) -> str:
    if reading.by is None:
        return WHOLE
    return NO_GROUP if value is None else value


def _figure(row: Sequence[Any], place: int) -> Figure:
    value, rows, low, high = row[1 + place * WIDTH : 1 + (place + 1) * WIDTH]
    return Figure(value, rows, low, high)


def _said(error: psycopg.Error) -> str:
    return " ".join((error.diag.message_primary or str(error)).split())


def _unique_index(connection: psycopg.Connection, target: Target, rule: Unique) -> str | None:
    found = connection.execute(
        query("catalogue/unique_index"),
        {"table": target.quoted(connection), "columns": list(rule.columns)},
    ).fetchone()
    return str(found[0]) if found else None


def examples(
    connection: psycopg.Connection,
    question: Question,
    target: Target,
    table: Table,
    others: dict[str, Target],
) -> tuple[tuple[Mapping[str, Any], ...], str]:
    """Return some of the rows that break a rule, as text, and the query of all of them."""
    found = rule_sql.offenders(question, target, table, others)
    if found is None:
        statement = rule_sql.statement(Reading((question,), question.by), target, table, others)
        return (), statement.as_string(connection)
    columns, statement = found
    some = SQL("SELECT {} FROM ({}) AS broken LIMIT {}").format(
        SQL(", ").join(SQL("broken.{}::text").format(Identifier(name)) for name in columns),
        statement,
        Literal(EXAMPLES),
    )
    rows = [
        {
            name: None if value is None else value[:LONGEST]
            for name, value in zip(columns, row, strict=True)
        }
        for row in _rows(connection, some)
    ]
    return tuple(rows), statement.as_string(connection)


def files(connection: psycopg.Connection, target: Target) -> dict[int, ledger.Entry]:
    """Return the files of the table, as the ledger has them, by ``source_id``."""
    found = ledger.entries(connection, target.schema, target.name).values()
    return {entry.source_id: entry for entry in found}
