"""The report of a check as one HTML file that needs nothing else: no network, no script."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

from labdb.adapters.content import PACKAGE
from labdb.errors import UsageError

MARKS = {"passed": "✓", "failed": "✗", "warning": "!", "skipped": "-"}
"""A verdict is told by its word and a mark, never by its colour alone."""


def html(data: Mapping[str, Any]) -> str:
    """Return the page of *data*; every value is text in it, whatever it looks like."""
    source = (PACKAGE / "pages" / "check.html.j2").read_text(encoding="utf-8")
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(source).render(**data, marks=MARKS)


def write(path: Path, text: str) -> None:
    """Write the page.

    Raises:
        UsageError: it cannot be written there.
    """
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(
            f"{path} cannot be written", why=str(error.strerror), hint="choose another place"
        ) from error
