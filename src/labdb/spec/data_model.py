"""Data models as Felis writes them: the part of Felis's format that labdb reads.

Felis (LSST) describes a catalogue in YAML: tables, columns, types, units, UCDs. Its own package
is GPL and needs seconds to import, so labdb reads the files itself and leaves the judgement
``felis validate`` to the tests. What labdb has to know besides stands in a second file, see
:mod:`labdb.spec.data_source`.
"""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Datatype = Literal[
    "boolean", "byte", "short", "int", "long", "float", "double", "char", "string", "unicode",
    "text", "timestamp",
]  # fmt: skip


class Described(BaseModel):
    """What a schema, a table and a column have in common."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(pattern=r"^[a-z_][a-z0-9_]{0,62}$")
    identity: str = Field(alias="@id", default="")
    description: str = ""


class ColumnModel(Described):
    """A column. An *arraysize* makes it an array of that many numbers."""

    datatype: Datatype
    length: int | None = Field(default=None, gt=0)
    nullable: bool = True
    arraysize: str | None = Field(default=None, alias="votable:arraysize", pattern=r"^[1-9]\d*$")
    fits_unit: str = Field(default="", alias="fits:tunit")
    ivoa_unit: str = Field(default="", alias="ivoa:unit")
    ucd: str = Field(default="", alias="ivoa:ucd")
    utype: str = Field(default="", alias="votable:utype")
    principal: int = Field(default=0, alias="tap:principal")


class TableModel(Described):
    """A table; its key names columns by their ``@id``, as Felis wants it."""

    primary_key: tuple[str, ...] = Field(default=(), alias="primaryKey")
    columns: tuple[ColumnModel, ...] = Field(min_length=1)


class SchemaModel(Described):
    """A whole data model."""

    version: str
    tables: tuple[TableModel, ...] = Field(min_length=1)
