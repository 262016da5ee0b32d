"""A data model's tables, with where their rows come from: Felis file and sources made one."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from labdb.domain.catalogue.comment import Comment
from labdb.domain.catalogue.kind import Kind, of_datatype
from labdb.domain.catalogue.rule_names import refuse_wrong
from labdb.spec.check import Histogram, Rule
from labdb.spec.data_model import ColumnModel, SchemaModel, TableModel
from labdb.spec.data_source import ColumnSource, ModelSource, Nearest, Partition, Range, TableSource

SOURCE_ID = "source_id"
"""The column that says which file a row came from; every table has it."""
VECTOR_MOST, VECTOR_INDEXED = 16_000, 2_000
"""Dimensions that a vector, and one with an HNSW index, may have: pgvector 0.8, README."""
VECTORS_MOST = 1_000_000
"""Rows up to which the lab keeps vectors in PostgreSQL; more of them go to a vector database."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, and the name of the source column that fills it.

    *also* are other names of the source column. *length* is that of an array, *letters* the most
    that a text has, *usual_letters* what it has as a rule. *repeats* tells how many rows share a
    value of it, within those of the columns before it in an index.
    """

    name: str
    kind: Kind
    length: int | None = None
    nullable: bool = True
    unit: str = ""
    ucd: str = ""
    description: str = ""
    source: str = ""
    hdu: str | None = None
    sentinels: tuple[float | str, ...] = ()
    units: tuple[str, ...] = ()
    ucds: tuple[str, ...] = ()
    narrow: bool = False
    optional: bool = False
    letters: int | None = None
    usual_letters: int | None = None
    repeats: float = 1
    also: tuple[str, ...] = ()
    is_vector: bool = False
    utype: str = ""
    principal: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The names that its source column may have, in small letters; the first one counts."""
        return tuple(name.lower() for name in (self.source, *self.also))

    @property
    def sql_type(self) -> str:
        """The type in PostgreSQL's words."""
        if self.is_vector:
            return f"vector({self.length})"
        return f"{self.kind}[]" if self.length else str(self.kind)

    @property
    def comment(self) -> str:
        """The text of the column's COMMENT: description, unit, UCD, and the length of an array."""
        length = None if self.is_vector else self.length
        return str(Comment(self.description, self.unit, self.ucd, length))


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns in order, its key, its sources, and how its rows lie."""

    model: str
    model_version: str
    name: str
    description: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    files: re.Pattern[str]
    hdus: tuple[str, ...]
    match: tuple[str, ...]
    position: tuple[str, str] | None
    order: tuple[str, ...]
    indexes: tuple[tuple[str, ...], ...]
    nearest: Mapping[str, Nearest]
    checks: Mapping[str, Range]
    fingerprint: tuple[str, ...]
    partition: Partition | None
    rules: tuple[Rule, ...] = ()
    plots: tuple[Histogram, ...] = ()

    def column(self, name: str) -> Column:
        """Return the column called *name*.

        Raises:
            KeyError: there is none.
        """
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)

    @property
    def from_name(self) -> tuple[str, ...]:
        """The columns whose value stands in the name of the file."""
        return tuple(column.name for column in self.columns if column.name in self.files.groupindex)

    def constants(self, file_name: str) -> dict[str, str] | None:
        """Return what *file_name* says of its rows; None for a file that is not of this table."""
        found = self.files.fullmatch(file_name)
        return found.groupdict() if found else None

    @property
    def from_source(self) -> tuple[Column, ...]:
        """The columns that the file's own columns fill."""
        given = {SOURCE_ID, *self.from_name}
        return tuple(column for column in self.columns if column.name not in given)


@dataclass(frozen=True, slots=True)
class Model:
    """A data model."""

    name: str
    version: str
    description: str
    tables: tuple[Table, ...]


def join(schema: SchemaModel, sources: ModelSource) -> Model:
    """Return the data model that *schema* describes and *sources* fill.

    Raises:
        ValueError: the two do not belong together; the message names table and column.
    """
    names = {table.name for table in schema.tables}
    if names != set(sources.tables):
        odd = sorted(names ^ set(sources.tables))
        raise ValueError(f"only one of the two files has the table {', '.join(odd)}")
    tables = tuple(_table(schema, one, sources.tables[one.name]) for one in schema.tables)
    columns = {one.name: frozenset(column.name for column in one.columns) for one in tables}
    for one in tables:
        refuse_wrong(one.name, one.rules, one.plots, columns)
    return Model(schema.name, schema.version, schema.description, tables)


def _table(model: SchemaModel, schema: TableModel, source: TableSource) -> Table:
    by_id = {column.identity: column.name for column in schema.columns}
    names = {column.name for column in schema.columns}
    position = (source.position.ra, source.position.dec) if source.position else None
    key = tuple(by_id[identity] for identity in schema.primary_key)
    files = re.compile(source.files)
    named = {
        *source.columns, *source.nearest, *(position or ()), *source.order, *source.checks,
        *source.fingerprint,
        *files.groupindex, *(name for index in source.indexes for name in index), SOURCE_ID,
        *((source.partition.column,) if source.partition else ()),
    }  # fmt: skip
    if missing := sorted(named - names):
        raise ValueError(f"table {schema.name} has no column {', '.join(missing)}")
    columns = tuple(
        _column(column, source.columns.get(column.name, ColumnSource()))
        for column in schema.columns
    )
    _judge_vectors(schema.name, {column.name: column for column in columns}, source.nearest)
    table = Table(
        model=model.name,
        model_version=model.version,
        name=schema.name,
        description=schema.description,
        columns=columns,
        key=key,
        files=files,
        hdus=source.hdus,
        match=source.match,
        position=position,
        order=source.order,
        indexes=source.indexes,
        nearest=source.nearest,
        checks=source.checks,
        fingerprint=source.fingerprint,
        partition=source.partition,
        rules=source.rules,
        plots=source.plots,
    )
    if table.partition:
        _refuse_partition(table, table.partition.column)
    return table


def _refuse_partition(table: Table, name: str) -> None:
    """Raise ValueError where PostgreSQL, or a load, could not partition *table* by column *name*.

    Section 5.12 of PostgreSQL's manual: a primary key of a partitioned table must hold the
    columns that it is partitioned by, for each partition sees its own rows alone.
    """
    column = table.column(name)
    where = f"table {table.name} is partitioned by {name}"
    if table.key and name not in table.key:
        raise ValueError(f"{where}, which is not in its primary key ({', '.join(table.key)})")
    if not column.kind.is_number or column.length:
        raise ValueError(f"{where}, which is {column.sql_type}: ranges are those of numbers")
    if column.nullable or column.optional:
        raise ValueError(f"{where}, which may be missing: a row without it has no partition")
    if column not in table.from_source:
        raise ValueError(f"{where}, which no column of a file fills")


def _column(schema: ColumnModel, source: ColumnSource) -> Column:
    return Column(
        name=schema.name,
        kind=of_datatype(schema.datatype),
        length=int(schema.arraysize) if schema.arraysize else None,
        nullable=schema.nullable,
        unit=schema.fits_unit or schema.ivoa_unit,
        ucd=schema.ucd,
        description=schema.description,
        source=source.column or schema.name,
        hdu=source.hdu,
        sentinels=source.sentinels,
        units=source.units,
        ucds=source.ucds,
        narrow=source.narrow,
        optional=source.optional,
        letters=schema.length if of_datatype(schema.datatype) is Kind.TEXT else None,
        usual_letters=source.usual_letters,
        repeats=source.repeats,
        also=source.also,
        is_vector=source.datatype == "vector",
        utype=schema.utype,
        principal=bool(schema.principal),
    )


def _judge_vectors(table: str, columns: Mapping[str, Column], nearest: Iterable[str]) -> None:
    for column in columns.values():
        if not column.is_vector:
            continue
        if column.kind is not Kind.FLOAT or not column.length:
            raise ValueError(
                f"{table}.{column.name}: a vector is a float with votable:arraysize in Felis"
            )
        most = VECTOR_INDEXED if column.name in nearest else VECTOR_MOST
        if column.length > most:
            raise ValueError(
                f"{table}.{column.name} has {column.length:,} dimensions, pgvector "
                f"{'indexes' if column.name in nearest else 'stores'} up to {most:,}"
            )
    for name in nearest:
        if not columns[name].is_vector:
            raise ValueError(f"{table}.{name} has an HNSW index and is no vector")
