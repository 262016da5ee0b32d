"""A data model's tables, with where their rows come from: Felis file and sources made one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from labdb.domain.catalogue.kind import SIZES, Kind, of_datatype
from labdb.domain.catalogue.rule_names import refuse_wrong
from labdb.spec.check import Histogram, Rule
from labdb.spec.data_model import ColumnModel, SchemaModel, TableModel
from labdb.spec.data_source import ColumnSource, ModelSource, Partition, Range, TableSource

SOURCE_ID = "source_id"
"""The column that says which file a row came from; every table has it."""
ROW_OVERHEAD = 28
"""Bytes of a row besides its values: header of 24 and its pointer of 4 (storage, page layout)."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table, and the name of the source column that fills it."""

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
    narrow: bool = False
    optional: bool = False

    @property
    def sql_type(self) -> str:
        """The type in PostgreSQL's words."""
        return f"{self.kind}[]" if self.length else str(self.kind)

    @property
    def comment(self) -> str:
        """The text of the column's COMMENT: description, unit and UCD."""
        unit = f" [{self.unit}]" if self.unit else ""
        ucd = f" (UCD {self.ucd})" if self.ucd else ""
        return f"{self.description}{unit}{ucd}"


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

    @property
    def row_size(self) -> int:
        """The bytes that a row takes on disk, about."""
        return ROW_OVERHEAD + sum(SIZES[each.kind] * (each.length or 1) for each in self.columns)


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
        *source.columns, *(position or ()), *source.order, *source.checks, *source.fingerprint,
        *files.groupindex, *(name for index in source.indexes for name in index), SOURCE_ID,
    }  # fmt: skip
    if missing := sorted(named - names):
        raise ValueError(f"table {schema.name} has no column {', '.join(missing)}")
    return Table(
        model=model.name,
        model_version=model.version,
        name=schema.name,
        description=schema.description,
        columns=tuple(
            _column(column, source.columns.get(column.name, ColumnSource()))
            for column in schema.columns
        ),
        key=key,
        files=files,
        hdus=source.hdus,
        match=source.match,
        position=position,
        order=source.order,
        indexes=source.indexes,
        checks=source.checks,
        fingerprint=source.fingerprint,
        partition=source.partition,
        rules=source.rules,
        plots=source.plots,
    )


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
        narrow=source.narrow,
        optional=source.optional,
    )
