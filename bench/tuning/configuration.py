"""The file that PostgreSQL runs with: a contender's tuning, and what is equal for everybody."""

import re

from bench.tuning.contenders import Contender

EQUAL = {
    "listen_addresses": "",
    "unix_socket_directories": "/run/bench",
    "archive_mode": "off",
    "ssl": "off",
    "shared_preload_libraries": "pg_stat_statements",
    "track_io_timing": "on",
    "logging_collector": "off",
    "log_min_messages": "warning",
    "log_checkpoints": "off",
    "TimeZone": "UTC",
}
"""What is not tuning."""
LEFT_OUT = re.compile(
    r"log_.*|logging_.*|ssl.*|archive_.*|.*_directory|.*_file|port|password_encryption|timezone"
    r"|cluster_name|update_process_title|lc_.*|.*[.].*",
    re.IGNORECASE,
)
"""Parameters of a contender that say what a server writes down, or where it stands.

What its statistics cost is its own affair: ``track_functions`` and the like stay.
"""


def render(contender: Contender, *, connections: int) -> str:
    """Return the text of ``postgresql.conf`` for *contender*."""
    tuning = {
        name: value
        for name, value in contender.parameters.items()
        if not LEFT_OUT.fullmatch(name) and name not in EQUAL
    }
    chosen = tuning | EQUAL | {"max_connections": str(connections)}
    lines = [f"{name} = '{_quoted(value)}'" for name, value in chosen.items()]
    return "\n".join([f"# {contender.name}: {contender.source}", *lines, ""])


def _quoted(value: str) -> str:
    return value.replace("'", "''")
