"""Which release the views point to, and which one was before, from what was done."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Action = Literal["promote", "rollback"]


@dataclass(frozen=True, slots=True)
class Done:
    """A line of the history: the views came to point to *release*."""

    release: str
    action: Action


def standing(history: Sequence[Done]) -> list[str]:
    """Return the releases that were promoted and not rolled back, the current one last.

    >>> standing([Done("dr1", "promote"), Done("dr2", "promote"), Done("dr1", "rollback")])
    ['dr1']
    """
    stack: list[str] = []
    for line in history:
        if line.action == "rollback" and line.release in stack:
            while stack[-1] != line.release:
                stack.pop()
        elif not stack or stack[-1] != line.release:
            stack.append(line.release)
    return stack


def current(history: Sequence[Done]) -> str | None:
    """Return the release that the views point to."""
    return history[-1].release if history else None


def previous(history: Sequence[Done]) -> str | None:
    """Return the release that a rollback goes to; None where there is none before."""
    stack = standing(history)
    return stack[-2] if len(stack) > 1 else None
