"""Tables of a database in the words of Felis, the Rubin Observatory's format of data models."""

from collections.abc import Mapping, Sequence
from typing import Any

from labdb.domain.catalogue.kind import Kind
from labdb.domain.catalogue.live import LiveTable
from labdb.domain.catalogue.table import Column


def document(
    schema: str,
    description: str,
    version: str | None,
    tables: Sequence[LiveTable],
    published: Mapping[tuple[str, str], tuple[str | None, bool]],
) -> dict[str, Any]:
    """Return *tables* of *schema* as the document that a Felis file holds.

    *published* is what TAP_SCHEMA says of a table's column besides: its arraysize, and whether it
    is principal. Columns of types that Felis has no word for are left out.
    """
    found: dict[str, Any] = {"name": schema, "@id": "#schema"}
    if version:
        found["version"] = version
    found["description"] = description
    found["tables"] = [_table(one, published) for one in tables]
    return found


def left_out(tables: Sequence[LiveTable]) -> list[str]:
    """Return the columns that Felis has no type for, with their types."""
    return [
        f"{table.name}.{one.name} ({one.sql_type})"
        for table in tables
        for one in table.columns
        if one.described is None
    ]


def _table(
    table: LiveTable, published: Mapping[tuple[str, str], tuple[str | None, bool]]
) -> dict[str, Any]:
    found: dict[str, Any] = {"name": table.name, "@id": f"#{table.name}"}
    if table.description:
        found["description"] = table.description
    if table.key:
        found["primaryKey"] = [_id(table.name, name) for name in table.key]
    found["columns"] = [
        column(table.name, one.described, published.get((table.name, one.name), (None, False)))
        for one in table.columns
        if one.described is not None
    ]
    indexes = [
        {
            "name": one.name,
            "@id": f"#{table.name}.{one.name}",
            "description": f"{one.method} ({', '.join(one.expressions)})",
            **(
                {"columns": [_id(table.name, _bare(each)) for each in one.expressions]}
                if one.is_plain
                else {"expressions": list(one.expressions)}
            ),
        }
        for one in table.indexes
    ]
    if indexes:
        found["indexes"] = indexes
    return found


def _id(table: str, column: str) -> str:
    return f"#{table}.{column}"


def _bare(expression: str) -> str:
    """Return the name of a column as an index has it: without quotes and operator class."""
    if expression.startswith('"'):
        return expression[1 : expression.rindex('"')].replace('""', '"')
    return expression.split(" ", 1)[0]


def column(
    table: str,
    column: Column,
    published: tuple[str | None, bool] = (None, False),
) -> dict[str, Any]:
    """Return *column* of *table*; *published* is what TAP_SCHEMA says of it."""
    arraysize, principal = published
    found: dict[str, Any] = {
        "name": column.name,
        "@id": _id(table, column.name),
        "datatype": column.kind.datatype,
    }
    letters = (arraysize or "").removesuffix("*")
    if column.kind is Kind.TEXT and letters:
        found |= {"datatype": "string", "length": int(letters)}
    if not column.nullable:
        found["nullable"] = False
    if column.length:
        found["votable:arraysize"] = str(column.length)
    for key, value in (("fits:tunit", column.unit), ("ivoa:ucd", column.ucd)):
        if value:
            found[key] = value
    if principal:
        found["tap:principal"] = 1
    if column.description:
        found["description"] = column.description
    return found
