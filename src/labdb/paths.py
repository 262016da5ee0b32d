"""Where labdb keeps its own files on the operator's workstation (XDG base directories)."""

import os
from pathlib import Path


def state_dir() -> Path:
    """Return ``$LABDB_STATE``, else ``$XDG_STATE_HOME/labdb``, else ``~/.local/state/labdb``."""
    if own := os.environ.get("LABDB_STATE"):
        return Path(own)
    base = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(base) / "labdb"


def cache_dir() -> Path:
    """Return ``$LABDB_CACHE``, else ``$XDG_CACHE_HOME/labdb``, else ``~/.cache/labdb``."""
    if own := os.environ.get("LABDB_CACHE"):
        return Path(own)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "labdb"


def expand(text: str, *, relative_to: Path) -> Path:
    """Return the path a declaration means by *text*.

    ``$LABDB_STATE`` at its head is the state directory, ``~`` the home directory;
    anything relative is relative to the inventory, *relative_to*.
    """
    if text.startswith("$LABDB_STATE"):
        return state_dir() / text.removeprefix("$LABDB_STATE").lstrip("/")
    return relative_to / Path(text).expanduser()
