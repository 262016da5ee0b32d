"""What a restore in place left on a server: data that are kept, or something that was cut short.

The role ``pgbackrest_replace`` gives the directories these names and leaves the marks in them.
"""

from collections.abc import Mapping

from labdb.report import Finding
from labdb.spec import Server


def kept(server: Server) -> str:
    """Return the directory of the data that gave way."""
    return f"{server.postgresql.data_directory}.before"


def places(server: Server) -> list[str]:
    """Return the paths of which :func:`left` has to know whether they are there."""
    data = server.postgresql.data_directory
    marks = ("", "/labdb-replacement.json", "/labdb-taken-back")
    others = (".before", ".restored", ".restore", ".undone")
    return [f"{data}{end}" for end in (*marks, *others)]


def left(server: Server, there: Mapping[str, bool]) -> Finding | None:
    """Return what is left and what to do about it; nothing where nothing is.

    Args:
        server: the declaration.
        there: of each of :func:`places`, whether it is there.
    """
    data = server.postgresql.data_directory
    command = f"labdb restore-in-place {server.name}"

    def found(end: str) -> bool:
        return there.get(f"{data}{end}", False)

    if found("/labdb-replacement.json") or (not found("") and found(".restored")):
        return Finding(
            "replacement",
            "critical",
            "a restore in place was cut short",
            f"the restored directory and {kept(server)} had begun to change places",
            f"{command} --resume goes on with it, --undo takes back what was there before",
        )
    if found("/labdb-taken-back") or found(".undone"):
        return Finding(
            "replacement",
            "critical",
            "taking back what a restore in place had kept was cut short",
            "the two directories had begun to change places",
            f"{command} --undo goes on with it",
        )
    if found(".before"):
        return Finding(
            "replacement",
            "info",
            f"{kept(server)} is kept from an earlier restore in place",
            "it takes space on the data disk, and only one is kept, so that nothing is lost by a "
            "second restore",
            f"{command} --undo takes it back, --forget deletes it",
        )
    if found(".restored") or found(".restore"):
        return Finding(
            "replacement",
            "warning",
            f"files for a restore in place stand in {data}.restored",
            "it is at work, or was cut short before anything was exchanged",
            f"the same restore goes on with them, {command} --forget deletes them",
        )
    return None
