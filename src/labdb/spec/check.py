"""What must be true of a loaded table, and which plots show it.

Conditions and values are expressions in the words of SQL: columns of the table, numbers, texts,
operators and a few functions, see :mod:`labdb.domain.catalogue.expression`. Nothing else passes.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from labdb.spec.base import Declared

RULE = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
Columns = Annotated[tuple[str, ...], Field(min_length=1)]


class Interval(Declared):
    """Accepted figures, both ends included; an end that is not given is open."""

    minimum: float | None = None
    maximum: float | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.minimum is None and self.maximum is None:
            raise ValueError("an interval has a minimum, a maximum or both")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"{self.minimum:g} to {self.maximum:g} is no interval")
        return self


class AnyRule(Declared):
    """What all rules have."""

    name: str = Field(pattern=RULE)
    why: str = Field(default="", description="Where the figure is from, or what it is good for.")
    severity: Literal["error", "warning"] = "error"
    scale: Literal["any", "full"] = Field(
        default="any", description="full: true of the whole survey alone; any: of each part too."
    )
    where: str = Field(default="", description="Condition of the rows that are meant.")


class RowCount(AnyRule):
    """So many rows: in all (*count*), or for each value of the column *by* (*groups*)."""

    kind: Literal["rows"]
    count: int | Interval | None = None
    by: str | None = None
    groups: dict[str, int | Interval] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.count is None) == (not self.groups) or (self.by is None) != (not self.groups):
            raise ValueError("rows are counted in all (count), or by a column (by and groups)")
        return self


class InRange(AnyRule):
    """Values of the columns are in a range; NULL is no value."""

    kind: Literal["range"]
    columns: Columns
    minimum: float | None = None
    maximum: float | None = None
    below: float | None = Field(default=None, description="Like maximum, itself left out.")

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.minimum is None and self.maximum is None and self.below is None:
            raise ValueError("a range has a minimum, a maximum or a below")
        return self


class OneOf(AnyRule):
    """Values of the column are some of these; NULL is no value."""

    kind: Literal["one-of"]
    column: str
    values: Columns


class Present(AnyRule):
    """No value of the columns is NULL."""

    kind: Literal["present"]
    columns: Columns


class Unique(AnyRule):
    """No two rows have the same values in all of the columns; NULL is like nothing else."""

    kind: Literal["unique"]
    columns: Columns


class Refers(AnyRule):
    """The columns name a row of another table of the model; a NULL among them names none."""

    kind: Literal["refers"]
    columns: Columns
    table: str
    to: Columns

    @model_validator(mode="after")
    def _as_many(self) -> Self:
        if len(self.columns) != len(self.to):
            raise ValueError("columns and to must be as many")
        return self


class Statistic(AnyRule):
    """A figure of a distribution is in an interval: of all rows, or of each group.

    ``fraction`` is the share of rows for which *of* is true, of those for which it is true or
    false. ``slope`` and ``correlation`` take *of* as y and *over* as x.
    """

    kind: Literal["statistic"]
    statistic: Literal["mean", "median", "stddev", "fraction", "slope", "correlation"]
    of: str
    over: str = ""
    between: Interval | None = None
    by: str | None = None
    groups: dict[str, Interval] = Field(default_factory=dict)
    rows: int = Field(
        default=2, ge=1, description="With fewer rows than this, the figure is not judged."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.between is None) == (not self.groups) or (self.by is None) != (not self.groups):
            raise ValueError("a statistic has one interval (between), or groups and their by")
        if (self.statistic in ("slope", "correlation")) != bool(self.over):
            raise ValueError("slope and correlation have an over, the others have none")
        return self


Rule = Annotated[
    RowCount | InRange | OneOf | Present | Unique | Refers | Statistic, Field(discriminator="kind")
]


class Histogram(Declared):
    """A plot of how many rows have which value."""

    of: str = Field(description="A column, or an expression.")
    title: str
    minimum: float
    maximum: float
    bins: int = Field(default=60, ge=2, le=500)
    label: str = Field(default="", description="Label of the axis; else column and unit.")
    where: str = ""
    by: str | None = Field(default=None, description="One line for each value of this column.")
    log: bool = Field(default=False, description="Logarithmic scale of the counts.")
    share: bool = Field(default=False, description="Each line as a share of its own rows.")
    beside: tuple[str, ...] = Field(
        default=(), description="Tables of the model with the same columns, in the same plot."
    )

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if self.minimum >= self.maximum:
            raise ValueError(f"{self.minimum:g} to {self.maximum:g} is no range")
        return self
