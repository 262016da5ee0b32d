"""The containers that stand for the guests, asked from inside."""

import subprocess
import time
from collections.abc import Callable

SERVER_GUEST, HOST_GUEST = "labdb-vm-198.19-2002", "labdb-vm-198.19-2005"
AS_POSTGRES = ("runuser", "--user=postgres", "--")


def inside(container: str, *command: str) -> str:
    """Return what *command* prints in a guest."""
    done = subprocess.run(
        ["docker", "exec", container, *command], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def sql(query: str, database: str = "postgres") -> str:
    """Return what the server's superuser is answered."""
    psql = ("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", query)
    return inside(SERVER_GUEST, *AS_POSTGRES, *psql)


def within(seconds: float, promise: Callable[[], bool]) -> bool:
    """Tell whether *promise* comes true in time."""
    end = time.monotonic() + seconds
    while not (kept := promise()) and time.monotonic() < end:
        time.sleep(1)
    return kept
