"""Show a load: a bar with rows/s and time left on a terminal, a line a file in a pipe."""

import threading

from rich.markup import escape
from rich.progress import BarColumn, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from labdb.cli.bar import Bar


class Rate(ProgressColumn):
    """Rows a second."""

    def render(self, task: Task) -> Text:
        """Return the rate of the last seconds."""
        return Text(f"{task.speed:,.0f} rows/s" if task.speed else "")


class LoadProgress(Bar):
    """Whoever watches a load on standard error; several threads tell it."""

    def __init__(self, *, no_color: bool = False, quiet: bool = False) -> None:
        super().__init__(
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,}/{task.total:,} rows"),
            Rate(),
            TimeRemainingColumn(),
            TextColumn("{task.description}"),
            total=0,
            no_color=no_color,
        )
        self.quiet = quiet
        self.lock = threading.Lock()

    def say(self, what: str) -> None:
        """Take note of what is being done now."""
        with self.lock:
            if self.progress is not None:
                self.progress.update(self.bar, description=escape(what))
            elif not self.quiet:
                self.console.print(f"[dim]{self.clock()}[/] {escape(what)}", soft_wrap=True)

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
