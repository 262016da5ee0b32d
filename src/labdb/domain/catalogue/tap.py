"""What TAP_SCHEMA says of tables.

Source: IVOA Table Access Protocol 1.1, section 4 "TAP_SCHEMA"; the types are VOTable's
(VOTable 1.4, section 2.1), with the xtypes of DALI 1.1, section 3.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.live import LiveTable
from labdb.domain.catalogue.table import Column

_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
SCHEMA = "tap_schema"
RESERVED = {"size"}
"""Words of ADQL that the standard's own columns have, and puts in quotes."""
TYPES = {
    Kind.BOOLEAN: "boolean",
    Kind.SHORT: "short",
    Kind.INT: "int",
    Kind.LONG: "long",
    Kind.FLOAT: "float",
    Kind.DOUBLE: "double",
    Kind.TEXT: "char",
    Kind.TIMESTAMP: "char",
}


@dataclass(frozen=True, slots=True, order=True)
class TapColumn:
    """A line of ``tap_schema.columns``, its fields in the standard's order."""

    table_name: str
    column_name: str
    datatype: str
    arraysize: str | None
    xtype: str | None
    size: int | None
    description: str
    utype: str | None
    unit: str | None
    ucd: str | None
    indexed: int
    principal: int
    std: int
    column_index: int


@dataclass(frozen=True, slots=True)
class TapTable:
    """A line of ``tap_schema.tables``, and those of its columns."""

    schema_name: str
    table_name: str
    description: str
    table_index: int
    columns: tuple[TapColumn, ...]


def identifier(name: str) -> str:
    """Return *name* as a query can use it: in quotes where it needs them (section 4.3).

    >>> identifier("ra"), identifier("Dec (J2000)")
    ('ra', '"Dec (J2000)"')
    """
    plain = _PLAIN.fullmatch(name) and name not in RESERVED
    return name if plain else '"' + name.replace('"', '""') + '"'


def bare(name: str) -> str:
    """Return the name that :func:`identifier` made *name* of.

    >>> bare('"Dec (J2000)"')
    'Dec (J2000)'
    """
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


def table(
    live: LiveTable, place: int, description: str, modelled: Sequence[Column] = ()
) -> TapTable:
    """Return what is said of a table; what its model says, *modelled*, wins over COMMENTs.

    Columns of types that TAP has no word for are left out.
    """
    name = f"{identifier(live.schema)}.{identifier(live.name)}"
    known = {one.name: one for one in modelled}
    columns = [
        _column(name, known.get(one.name, one.described), number, one.indexed, live.schema)
        for number, one in enumerate(live.columns, start=1)
        if one.described is not None
    ]
    return TapTable(live.schema, name, description, place, tuple(columns))


def _column(table_name: str, column: Column, number: int, indexed: bool, schema: str) -> TapColumn:
    standard = schema == SCHEMA
    return TapColumn(
        table_name=table_name,
        column_name=identifier(column.name),
        datatype=TYPES[column.kind],
        arraysize=_arraysize(column),
        xtype="timestamp" if column.kind is Kind.TIMESTAMP else None,
        size=None,
        description=column.description,
        utype=column.utype or None,
        unit=column.unit or None,
        ucd=column.ucd or None,
        indexed=int(indexed),
        principal=int(column.principal or standard),
        std=int(standard),
        column_index=number,
    )


def _arraysize(column: Column) -> str | None:
    if column.kind is Kind.TEXT:
        return f"{column.letters}*" if column.letters else "*"
    if column.kind is Kind.TIMESTAMP:
        return "*"
    return str(column.length) if column.length else None
