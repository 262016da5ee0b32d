"""A table as the database has it: columns with what their COMMENTs say, key and indexes."""

import re
from dataclasses import dataclass

from labdb.domain.catalogue import comment as comments
from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.table import Column

VECTOR = re.compile(r'(?:(?:"(?:[^"]|"")+"|[^."]+)\.)?vector\((\d+)\)')
"""The type of a vector of pgvector with a declared dimension, as ``format_type`` writes it."""
OTHER_NAMES = {"character varying": Kind.TEXT, "character": Kind.TEXT, "name": Kind.TEXT}


@dataclass(frozen=True, slots=True)
class LiveColumn:
    """A column: *sql_type* in PostgreSQL's words, *described* as a model would have it.

    *described* is None for a type that no model has.
    """

    name: str
    sql_type: str
    nullable: bool
    indexed: bool
    described: Column | None


@dataclass(frozen=True, slots=True)
class LiveIndex:
    """An index besides the primary key: *expressions* are columns, or what is computed of them."""

    name: str
    method: str
    expressions: tuple[str, ...]
    is_plain: bool


@dataclass(frozen=True, slots=True)
class LiveTable:
    """A table of a schema."""

    schema: str
    name: str
    description: str
    columns: tuple[LiveColumn, ...]
    key: tuple[str, ...] = ()
    indexes: tuple[LiveIndex, ...] = ()


def column(
    name: str, sql_type: str, comment: str, *, nullable: bool, indexed: bool = False
) -> LiveColumn:
    """Return a column from its type and its COMMENT, which :attr:`Column.comment` wrote.

    >>> column("z", "real", "Redshift. (UCD src.redshift)", nullable=True).described.ucd
    'src.redshift'
    """
    base = sql_type.removesuffix("[]")
    vector = VECTOR.fullmatch(sql_type)
    kind = Kind.FLOAT if vector else OTHER_NAMES.get(base)
    if kind is None and base in {one.value for one in Kind}:
        kind = Kind(base)
    described = None
    if kind is not None:
        told = comments.read(comment)
        length = int(vector[1]) if vector else told.length
        described = Column(
            name=name,
            kind=kind,
            length=length if vector or base != sql_type else None,
            nullable=nullable,
            unit=told.unit,
            ucd=told.ucd,
            description=told.description,
            is_vector=vector is not None,
        )
    return LiveColumn(name, sql_type, nullable, indexed, described)
