"""What the declaration sets for the sessions of one database, as PostgreSQL stores it."""

from collections.abc import Mapping

from labdb.size import format_size
from labdb.spec import DatabaseSettings

SEARCH_PATH = "search_path"
PLACED = (SEARCH_PATH, "default_transaction_read_only", "statement_timeout", "temp_file_limit")
"""Parameters that the declaration has a place for: what it does not say of them is reset."""


def database_settings(declared: DatabaseSettings) -> Mapping[str, str]:
    """Return what ``ALTER DATABASE ... SET`` sets, by name."""
    found = {}
    if declared.search_path:
        found[SEARCH_PATH] = ", ".join(declared.search_path)
    if declared.read_only:
        found["default_transaction_read_only"] = "on"
    if declared.statement_timeout_seconds is not None:
        found["statement_timeout"] = f"{declared.statement_timeout_seconds}s"
    if declared.temp_file_limit is not None:
        found["temp_file_limit"] = format_size(declared.temp_file_limit)
    return found
