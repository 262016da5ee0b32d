"""Figures of a benchmark in its page of the documentation: between two marks, and nowhere else."""

from pathlib import Path

BEGIN, END = "<!-- begin figures -->", "<!-- end figures -->"


def put(page: Path, figures: str) -> None:
    """Put *figures*, which are Markdown, into *page* in place of those that it has.

    Raises:
        ValueError: the page lacks a mark.
    """
    head, rest = page.read_text(encoding="utf-8").split(BEGIN, 1)
    _, tail = rest.split(END, 1)
    page.write_text(f"{head}{BEGIN}\n\n{figures.rstrip()}\n\n{END}{tail}", encoding="utf-8")
