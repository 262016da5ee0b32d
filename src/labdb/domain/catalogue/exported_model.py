"""A data model of an exported table itself, so that its files can be loaded like any others."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from labdb.domain.catalogue import comment, felis
from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.table import SOURCE_ID, Column, Table
from labdb.spec.check import Refers
from labdb.spec.data_source import Nearest, Range

FILES = r"part-\d{6}\.parquet"
_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


def can_be_loaded(name: str, columns: Sequence[Carried]) -> bool:
    """Tell whether a model can describe the table: names as models have them, and a source_id."""
    names = {one.name for one in columns}
    return SOURCE_ID in names and all(_NAME.fullmatch(one) for one in (name, *names))


def schema(
    name: str, version: str, description: str, columns: Sequence[Carried], key: Sequence[str]
) -> dict[str, Any]:
    """Return the Felis file of the table called *name*."""
    table: dict[str, Any] = {
        "name": name,
        "@id": f"#{name}",
        "description": description or name,
        "columns": [_column(name, one) for one in columns],
    }
    if key:
        table["primaryKey"] = [f"#{name}.{one}" for one in key]
    return {
        "name": name,
        "@id": "#schema",
        "version": version,
        "description": description or name,
        "tables": [table],
    }


def _column(table: str, column: Carried) -> dict[str, Any]:
    told = comment.read(column.comment)
    described = Column(
        name=column.name,
        kind=column.kind,
        length=column.length,
        nullable=not column.not_null,
        unit=told.unit,
        ucd=told.ucd,
        description=told.description or column.name,
        is_vector=column.is_vector,
    )
    return felis.column(table, described)


def sources(name: str, columns: Sequence[Carried], model: Table | None) -> dict[str, Any]:
    """Return the file beside it; *model* is the table that it was loaded by, where that is known.

    Sentinels are gone from an exported table, so none is told.
    """
    table: dict[str, Any] = {"files": FILES}
    table["columns"] = {one.name: {"datatype": "vector"} for one in columns if one.is_vector}
    if model is not None:
        if model.position:
            table["position"] = dict(zip(("ra", "dec"), model.position, strict=True))
        table["order"] = list(model.order)
        table["indexes"] = [list(index) for index in model.indexes]
        table["nearest"] = _declared(model.nearest)
        table["checks"] = _declared(model.checks)
        table["fingerprint"] = list(model.fingerprint)
        table["partition"] = model.partition.model_dump(mode="json") if model.partition else None
        table["rules"] = _of_one_table(model, name)
        table["plots"] = [
            plot.model_copy(update={"beside": ()}).model_dump(mode="json", exclude_defaults=True)
            for plot in model.plots
        ]
    return {"tables": {name: {key: value for key, value in table.items() if value}}}


def _of_one_table(model: Table, name: str) -> list[dict[str, Any]]:
    """Return the rules that the table called *name* can be asked without the others of *model*."""
    kept = []
    for rule in model.rules:
        if isinstance(rule, Refers):
            if rule.table != model.name:
                continue
            rule = rule.model_copy(update={"table": name})  # noqa: PLW2901 - itself, renamed
        kept.append(rule.model_dump(mode="json", exclude_defaults=True))
    return kept


def _declared(by_column: Mapping[str, Range] | Mapping[str, Nearest]) -> dict[str, Any]:
    return {
        name: one.model_dump(mode="json", exclude_defaults=True) for name, one in by_column.items()
    }
