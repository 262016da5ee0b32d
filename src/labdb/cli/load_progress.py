"""Show a load: a bar with rows/s and time left on a terminal, a line a file in a pipe."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text


class Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last seconds."""
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


class LoadProgress:
    """Whoever watches a load on standard error; several threads tell it."""

    def __init__(self, *, no_color: bool = False, quiet: bool = False) -> None:
        self.console = Console(stderr=True, no_color=no_color, highlight=False)
        self.quiet = quiet
        self.begin = time.monotonic()
        self.lock = threading.Lock()
        self.progress: Progress | None = None
        if self.console.is_terminal:
            self.progress = Progress(
                BarColumn(bar_width=24),
                TextColumn("{task.completed:,}/{task.total:,} rows"),
                Rate(),
                TimeRemainingColumn(),
                TextColumn("{task.description}"),
                console=self.console,
                transient=True,
            )
            self.bar = self.progress.add_task("", total=0)

    def __enter__(self) -> Self:
        """Return the watcher itself."""
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

    def say(self, what: str) -> None:
        """Take note of what is being done now."""
        with self.lock:
            if self.progress is not None:
                self.progress.update(self.bar, description=escape(what))
            elif not self.quiet:
                clock = f"{time.monotonic() - self.begin:6.1f} s"
                self.console.print(f"[dim]{clock}[/] {escape(what)}", soft_wrap=True)

    def expect(self, rows: int) -> None:
        """Take note of how many rows are to be loaded."""
        if self.progress is not None and rows:
            self.progress.update(self.bar, total=rows)
            self.progress.start()

    def advance(self, rows: int) -> None:
        """Take note of rows that were sent, or with a minus sign taken back."""
        with self.lock:
            if self.progress is not None:
                self.progress.advance(self.bar, rows)
