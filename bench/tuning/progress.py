"""How far a run is, and when it will end, on standard error."""

import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Clock:
    """The seconds that a step took, known when it is over."""

    seconds: float = 0.0


class Progress:
    """Counts the steps of a run down; what is left is told from what the same steps took.

    *expected* tells what a step takes before one has been seen.
    """

    def __init__(self, steps: Sequence[str], expected: Mapping[str, float]) -> None:
        self._left = Counter(steps)
        self._expected = expected
        self._took: dict[str, list[float]] = defaultdict(list)
        print(f"{len(steps)} steps, {self._rest()}", file=sys.stderr, flush=True)

    @contextmanager
    def step(self, name: str, title: str) -> Iterator[Clock]:
        """Time the block as a step *name* and say so."""
        clock, started = Clock(), time.monotonic()
        yield clock
        clock.seconds = time.monotonic() - started
        self._left[name] -= 1
        self._took[name].append(clock.seconds)
        print(f"{title}: {clock.seconds:.1f} s; {self._rest()}", file=sys.stderr, flush=True)

    def _rest(self) -> str:
        seconds = sum(left * self._usual(name) for name, left in self._left.items())
        return f"about {seconds / 60:.0f} min left"

    def _usual(self, name: str) -> float:
        took = self._took[name]
        return sum(took) / len(took) if took else self._expected[name]
