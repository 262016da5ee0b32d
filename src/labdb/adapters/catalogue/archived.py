"""Whether a table stands in a verified archive: what is asked before a partition is dropped."""

from collections.abc import Callable
from typing import TypeAlias

import psycopg

from labdb.adapters.catalogue.tables import Target

Archived: TypeAlias = Callable[[psycopg.Connection, Target], str | None]
"""Answers with the place of an archive that was read back and found equal to the table, or None."""


def nowhere(connection: psycopg.Connection, target: Target) -> str | None:
    """Answer that there is no archive: nobody who writes them has been asked."""
    del connection, target
    return None
