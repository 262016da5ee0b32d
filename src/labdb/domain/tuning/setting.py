"""A computed parameter: its value, the formula in words, the numbers put in, its source."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Setting:
    """A parameter as it is written to postgresql.conf, and why.

    *reason* is the formula in words, *numbers* the formula with this machine's figures,
    *source* where it comes from. Section numbers are those of the PostgreSQL 16 manual.
    """

    name: str
    value: str
    reason: str
    numbers: str = ""
    source: str = ""

    @property
    def comment(self) -> str:
        """The line that stands above the parameter in postgresql.conf."""
        return f"{self.reason}: {self.numbers}" if self.numbers else self.reason


def with_by_hand(settings: Iterable[Setting], by_hand: Mapping[str, str]) -> tuple[Setting, ...]:
    """Return *settings* with what is set by hand in place of what was computed, or added."""
    chosen = {item.name: item for item in settings}
    for name, text in by_hand.items():
        chosen[name] = Setting(name, text, "declared in postgresql.parameters")
    return tuple(chosen.values())
