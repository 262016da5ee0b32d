"""The front matter of a library query: what it answers, from which tables, in which units."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from labdb.spec.base import IDENTIFIER, Declared

Identifier = Annotated[str, Field(pattern=IDENTIFIER)]
TableOf = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*\.[a-z_][a-z0-9_]*$")]
Value = float | int | str


class Parameter(Declared):
    """A parameter; without a *default* it has to be given."""

    type: Literal["number", "integer", "text"]
    what: str
    unit: str = ""
    default: Value | None = None
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] = ()


class ResultColumn(Declared):
    """A column of the answer, and its unit."""

    what: str
    unit: str = ""


class Plot(Declared):
    """How an answer is drawn: columns of it, by name; rows of one *group* have one colour.

    Rows of ``points`` that have a *radius* are circles, in the unit of the axes; *error* is a bar
    up and down.
    """

    kind: Literal["points", "lines"]
    x: Identifier
    y: Identifier
    group: Identifier | None = None
    radius: Identifier | None = None
    error: Identifier | None = None
    log: bool = False


class ResearchQuery(Declared):
    """The front matter: *tables* gives each name in braces a table of a data model."""

    title: str
    answers: str
    tables: dict[Identifier, TableOf] = Field(min_length=1)
    parameters: dict[Identifier, Parameter] = Field(default_factory=dict)
    columns: dict[Identifier, ResultColumn] = Field(min_length=1)
    extensions: tuple[Literal["labdb"], ...] = Field(
        default=(), description="Extensions that the database must have."
    )
    plot: Plot | None = None

    @model_validator(mode="after")
    def _plot_names_columns(self) -> Self:
        plot = self.plot
        named = {plot.x, plot.y, plot.group, plot.radius, plot.error} - {None} if plot else set()
        if strange := named - set(self.columns):
            raise ValueError(
                f"the plot names columns that there are not: {sorted(map(str, strange))}"
            )
        return self
