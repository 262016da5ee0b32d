"""Where a data model's rows come from, and how they lie: what Felis has no words for.

It stands beside the Felis file, as ``<model>.labdb.yaml``: Felis refuses keys that it does not
know.
"""

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from labdb.spec.base import Declared
from labdb.spec.check import Histogram, Rule


def _expression(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from error
    return text


class Range(Declared):
    """What the values of a column may be: a range, both ends included, or a list."""

    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()


class ColumnSource(Declared):
    """Where a column comes from, when that is not a source column of its own name."""

    datatype: Literal["vector"] | None = Field(
        default=None,
        description="Type that Felis has no word for: pgvector's, of as many dimensions as "
        "votable:arraysize says; the datatype of Felis is float.",
    )

    column: str | None = Field(default=None, description="Name in the source; case counts not.")
    also: tuple[str, ...] = Field(
        default=(), description="Other names that files have for it; the first that is there."
    )
    hdu: str | None = Field(default=None, description="HDU to take it from, of several.")
    sentinels: tuple[float | str, ...] = Field(
        default=(), description="Values that stand for a missing one, and become NULL."
    )
    units: tuple[str, ...] = Field(
        default=(), description="What files call the model's unit besides, meaning the same."
    )
    ucds: tuple[str, ...] = Field(
        default=(), description="UCDs that files give besides the model's."
    )
    narrow: bool = Field(
        default=False, description="A wider source may be narrowed: float64 to real."
    )
    optional: bool = Field(default=False, description="NULL where the source lacks the column.")
    usual_letters: int | None = Field(
        default=None,
        gt=0,
        description="Letters that a text usually has, where that is far below its length in the "
        "Felis file; labdb plan-data has to know.",
    )
    repeats: float = Field(
        default=1,
        ge=1,
        description="Rows that share a value, within the columns before it in an index: such an "
        "index is smaller, and labdb plan-data has to know.",
    )


class Nearest(Declared):
    """An HNSW index of pgvector, for the neighbours of a vector by one distance."""

    distance: Literal["l2", "inner product", "cosine", "l1"]
    m: int = Field(default=16, ge=2, le=100, description="Links of each vector, per layer.")
    ef_construction: int = Field(
        default=64, ge=4, le=1000, description="Candidates that are looked at while building."
    )


class Position(Declared):
    """The columns of a position on the sky, in degrees."""

    ra: str
    dec: str


class Partition(Declared):
    """How a table that grows is to be partitioned, for who creates partitions."""

    column: str
    by: Literal["range"] = "range"
    step: int = Field(gt=0)


class TableSource(Declared):
    """Where a table comes from, its order on disk, its indexes and its checks."""

    files: Annotated[str, AfterValidator(_expression)] = Field(
        description="Regular expression of a file's whole name; a named group is the value of "
        "the column of that name."
    )
    hdus: tuple[str, ...] = Field(
        default=(), description="HDUs of FITS files, joined row by row; the first table if none."
    )
    match: tuple[str, ...] = Field(
        default=(), description="Source columns that must agree between joined HDUs."
    )
    columns: dict[str, ColumnSource] = Field(default_factory=dict)
    position: Position | None = None
    order: tuple[str, ...] = Field(
        default=(), description="Order of rows where there is no position."
    )
    indexes: tuple[tuple[str, ...], ...] = ()
    nearest: dict[str, Nearest] = Field(
        default_factory=dict, description="HNSW indexes of vector columns, made after the load."
    )
    checks: dict[str, Range] = Field(default_factory=dict)
    fingerprint: tuple[str, ...] = Field(
        default=(), description="Columns whose sums tell two loads apart; all numbers if none."
    )
    partition: Partition | None = None
    rules: tuple[Rule, ...] = Field(
        default=(), description="What must be true of the table, for labdb catalogue check."
    )
    plots: tuple[Histogram, ...] = ()


class ModelSource(Declared):
    """The sources of all tables of a data model."""

    tables: dict[str, TableSource]
