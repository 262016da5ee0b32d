"""A new project as it is declared, before anybody has edited it."""

from collections.abc import Sequence
from typing import Any

PEOPLE = {"dev": "owner", "loader": "loader", "analyst": "analyst"}
"""What the first roles of a project end in, and their kinds."""


def new_project(name: str, profile: str | None, networks: Sequence[str]) -> dict[str, Any]:
    """Return the mapping of a project with one role of each kind."""
    found: dict[str, Any] = {"name": name}
    if profile:
        found["profile"] = profile
    if networks:
        found["networks"] = list(networks)
    people = [{"name": f"{name}_{end}", "kind": kind} for end, kind in PEOPLE.items()]
    return found | {"people": people}
