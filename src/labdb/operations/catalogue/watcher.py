"""Whoever watches a load."""

from typing import Protocol


class Watcher(Protocol):
    """Told what is being done, and how many rows have been sent."""

    def say(self, what: str) -> None:
        """Take note of what is being done now."""

    def expect(self, rows: int) -> None:
        """Take note of how many rows are to be loaded."""

    def advance(self, rows: int) -> None:
        """Take note that *rows* more were sent; the rows of a part that failed are taken back."""
