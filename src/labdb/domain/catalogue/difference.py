"""Where a table of the database is not the one that its model describes."""

from collections.abc import Iterator
from dataclasses import dataclass

from labdb.domain.catalogue import layout
from labdb.domain.catalogue.live import LiveColumn, LiveIndex, LiveTable
from labdb.domain.catalogue.table import Column, Table

NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Differs:
    """One thing of a table: *what* it is, and what model and database have of it."""

    table: str
    subject: str
    what: str
    model: str
    database: str

    @property
    def is_text(self) -> bool:
        """Tell whether only words are about it: rows and statements do not change by it."""
        return self.what in ("the unit", "the UCD", "the description", "the length")

    def __str__(self) -> str:
        """Return the difference as one line."""
        subject = f".{self.subject}" if self.subject else ""
        return (
            f"{self.table}{subject}: {self.what} is {self.database} in the database, "
            f"{self.model} in the model"
        )


def columns(table: Table, live: LiveTable) -> list[Differs]:
    """Return where columns and key of *live* are not those of *table*.

    The longest text of a column and whether it is principal are not in a database, so they are
    not compared.
    """
    there = {one.name: one for one in live.columns}
    wanted = {one.name: one for one in table.columns}
    found = [
        Differs(live.name, name, "the column", one.sql_type, NOTHING)
        for name, one in wanted.items()
        if name not in there
    ]
    found += [
        Differs(live.name, name, "the column", NOTHING, one.sql_type)
        for name, one in there.items()
        if name not in wanted
    ]
    for name, column in wanted.items():
        if name in there:
            found += [Differs(live.name, name, *each) for each in _column(column, there[name])]
    if tuple(table.key) != live.key:
        both = (", ".join(names) or "none" for names in (table.key, live.key))
        found.append(Differs(live.name, "", "the primary key", *both))
    if table.description != live.description:
        found.append(
            Differs(live.name, "", "the description", repr(table.description),
                    repr(live.description))
        )  # fmt: skip
    return found


def _column(wanted: Column, there: LiveColumn) -> Iterator[tuple[str, str, str]]:
    if wanted.sql_type != there.sql_type:
        yield "the type", wanted.sql_type, there.sql_type
    if wanted.nullable != there.nullable:
        words = {True: "allowed", False: "refused"}
        yield "NULL", words[wanted.nullable], words[there.nullable]
    described = there.described
    if described is None:
        return
    pairs = {
        "the unit": (wanted.unit, described.unit),
        "the UCD": (wanted.ucd, described.ucd),
        "the description": (wanted.description, described.description),
    }
    if wanted.sql_type == there.sql_type:
        pairs["the length"] = (str(wanted.length or ""), str(described.length or ""))
    for what, (one, other) in pairs.items():
        if one != other:
            yield what, repr(one), repr(other)


def indexes(table: Table, live: LiveTable) -> list[Differs]:
    """Return which indexes are not those that a load makes."""
    there = {one.name: one for one in live.indexes}
    wanted = {one.name: one for one in layout.after_load(table, live.name)}
    found = [
        Differs(live.name, name, "the index", _said(one), NOTHING)
        for name, one in wanted.items()
        if name not in there
    ]
    for name, index in there.items():
        told = f"{index.method} ({', '.join(index.expressions)})"
        if name not in wanted:
            found.append(Differs(live.name, name, "the index", NOTHING, told))
        elif not _is(wanted[name], index):
            found.append(Differs(live.name, name, "the index", _said(wanted[name]), told))
    return found


def _said(index: layout.Index) -> str:
    columns = ", ".join(index.columns)
    if index.spherical:
        return f"btree (q3c_ang2ipix({columns}))"
    if index.operators:
        return f"hnsw ({columns} {index.operators})"
    return f"{_method(index)} ({columns})"


def _method(index: layout.Index) -> str:
    return "brin" if index.brin else "btree"


def _is(wanted: layout.Index, there: LiveIndex) -> bool:
    if wanted.spherical:
        return len(there.expressions) == 1 and "q3c_ang2ipix(" in there.expressions[0]
    if wanted.operators:
        return there.method == "hnsw"
    names = tuple(one.strip('"') for one in there.expressions)
    return there.method == _method(wanted) and names == wanted.columns
