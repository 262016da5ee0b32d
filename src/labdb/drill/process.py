"""Run PostgreSQL's and pgBackRest's programs, and keep their own words when they fail."""

import json
import subprocess
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from labdb.errors import RunError

WORDS_KEPT = 3


def run(*command: str, text: str | None = None) -> str:
    """Return what *command* prints.

    Raises:
        RunError: it failed; the reason is what it said.
    """
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, errors="replace", check=False
    )
    if done.returncode:
        said = complaints(done.stderr or done.stdout)
        name = Path(command[0]).name
        raise RunError(f"{name} failed", why=said, hint=f"its own words say what {name} lacks")
    return done.stdout.strip()


def complaints(said: str) -> str:
    """Return the lines that tell what is wrong; the last lines where none does."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    wrong = [line for line in lines if any(word in line for word in ("ERROR", "FATAL", "PANIC"))]
    return "; ".join((wrong or lines)[-WORDS_KEPT:])


def query(name: str) -> str:
    """Return the SQL text of ``sql/<name>.sql``."""
    return (files("labdb") / "sql" / f"{name}.sql").read_text(encoding="utf-8")


def ask(where: Sequence[str], sql: str, database: str = "postgres") -> Any:
    """Return the JSON that *sql* answers with; *where* are psql's options for host and port.

    Raises:
        RunError: PostgreSQL refused, in its own words.
    """
    options = ("--no-psqlrc", "--quiet", "--no-align", "--tuples-only", "--set=ON_ERROR_STOP=1")
    out = run("psql", *options, *where, f"--dbname={database}", text=sql)
    return json.loads(out.splitlines()[-1]) if out else None
