"""What brings a table from one version of its data model to the next.

It stands beside the model, as ``migrations/<model>/<from>-<to>.yaml``, together with the two
files of the version that it begins with, ``<from>.yaml`` and ``<from>.labdb.yaml``. Types,
nullability and descriptions are those of the next version, so a step names columns only.
"""

from typing import Annotated

from pydantic import Field

from labdb.spec.base import Declared

Name = Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")]


class Add(Declared):
    """A new column. *value* is that of the rows that are there; NULL if none."""

    add: Name
    value: bool | int | float | str | None = None


class Rename(Declared):
    """Another name for a column."""

    rename: Name
    to: Name


class Drop(Declared):
    """A column that goes, with its values."""

    drop: Name


class Retype(Declared):
    """A column that gets the type, and the nullability, that the next version has."""

    retype: Name


Step = Add | Rename | Drop | Retype


class Migration(Declared):
    """The steps of each table, in their order, and why they are taken."""

    reason: str = Field(min_length=1)
    tables: dict[str, tuple[Step, ...]]
