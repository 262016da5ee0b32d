"""Names of the systemd units that make backups: one of each kind for each repository."""

from typing import Literal

from labdb.spec import Server

Kind = Literal["full", "differential"]
KINDS: tuple[Kind, ...] = ("full", "differential")
FIRST = 1
"""Number of the repository on the server's own backup volume."""


def backup_unit(kind: Kind, repository: int = FIRST) -> str:
    """Return the name of the unit, without suffix.

    >>> backup_unit("full"), backup_unit("differential", 2)
    ('pgbackrest-full', 'pgbackrest-differential-repo2')
    """
    return f"pgbackrest-{kind}" + ("" if repository == FIRST else f"-repo{repository}")


def backup_timers(server: Server) -> tuple[str, ...]:
    """Return the timers of all backups of *server*."""
    return tuple(
        f"{backup_unit(kind, number)}.timer" for number in server.schedules for kind in KINDS
    )
