"""What everybody who shows progress on standard error shares: a console, a bar, a clock."""

import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import Progress, ProgressColumn


class Bar:
    """A bar of *columns* on a terminal, which goes when it is left; none in a pipe."""

    def __init__(self, *columns: ProgressColumn, total: int | None, no_color: bool) -> None:
        self.console = Console(stderr=True, no_color=no_color, highlight=False)
        self.begin = time.monotonic()
        self.progress: Progress | None = None
        if self.console.is_terminal:
            self.progress = Progress(*columns, console=self.console, transient=True)
            self.bar = self.progress.add_task("", total=total)

    def __enter__(self) -> Self:
        """Return itself; the bar appears when it is started."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Take the bar away."""
        if self.progress is not None:
            self.progress.stop()

    def clock(self) -> str:
        """Return the seconds since the beginning, as a line begins with them."""
        return f"{time.monotonic() - self.begin:6.1f} s"
