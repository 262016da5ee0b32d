"""The way from one version of a data model to another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labdb.domain.catalogue.table import Model
from labdb.spec.data_migration import Add, Drop, Migration, Rename, Retype, Step


@dataclass(frozen=True, slots=True)
class Hop:
    """One migration: the model before it, and the version that it leads to."""

    before: Model
    to: str
    migration: Migration


def order(version: str) -> tuple[int, ...]:
    """Return what versions can be sorted by.

    >>> order("1.9") < order("1.10")
    True
    """
    return tuple(int(part) if part.isdigit() else -1 for part in version.split("."))


def route(hops: Mapping[str, Hop], start: str, end: str) -> Sequence[Hop] | None:
    """Return the migrations from version *start* to *end*, or None where there is no way.

    *hops* are by the version that they begin with.
    """
    found: list[Hop] = []
    version = start
    while version != end:
        hop = hops.get(version)
        if hop is None or order(hop.to) <= order(version):
            return None
        found.append(hop)
        version = hop.to
    return found


def said(step: Step) -> tuple[str, str]:
    """Return the column that a step is about, and what becomes of it."""
    match step:
        case Add():
            value = "NULL" if step.value is None else repr(step.value)
            return step.add, f"added, {value} in the rows that are there"
        case Rename():
            return step.rename, f"called {step.to}"
        case Drop():
            return step.drop, "dropped, with its values"
        case Retype():
            return step.retype, "given the type of the new version"
