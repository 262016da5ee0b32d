"""Show what is going on: a bar and the running task on a terminal, a line a task in a pipe.

Everything goes to standard error; standard output is for the answer alone.
"""

import sys

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, SpinnerColumn, TextColumn, TimeElapsedColumn

from labdb.cli import render
from labdb.cli.bar import Bar
from labdb.events import Event, TaskFinished, TaskStarted
from labdb.report import Report


class Watch(Bar):
    """Whoever watches a run: told what happens, and asked once."""

    def __init__(
        self, *, no_color: bool = False, agreed: bool = False, quiet: bool = False, verbose: int = 0
    ) -> None:
        super().__init__(
            SpinnerColumn(),
            BarColumn(bar_width=24),
            TextColumn("{task.completed}/{task.total} {task.description}"),
            TimeElapsedColumn(),
            total=None,
            no_color=no_color,
        )
        self.no_color = no_color
        self.agreed = agreed
        self.quiet = quiet
        self.verbose = verbose
        self.total: int | None = None

    def say(self, what: str) -> None:
        """Take note of what is being done now."""
        if self.progress is not None and self.progress.live.is_started:
            self.progress.update(self.bar, description=what)
        elif not self.quiet:
            self.console.print(f"[dim]{self.clock()}[/] {what}", soft_wrap=True)

    def agrees(self, planned: Report) -> bool:
        """Show the plan; tell whether to go on."""
        if not self.quiet:
            render.to(self.console, planned)
        if self.agreed or not planned.changes:
            return True
        return click.confirm("Apply this plan?", err=True)

    def expect(self, tasks: int | None) -> None:
        """Take note of how many tasks the last run had."""
        self.total = tasks
        if self.progress is not None:
            self.progress.update(self.bar, total=tasks)
            self.progress.start()

    def see(self, event: Event) -> None:
        """Take note of what the playbook does."""
        if isinstance(event, TaskStarted) and self.progress is not None:
            self.progress.update(self.bar, description=escape(_title(event.role, event.task)))
        elif isinstance(event, TaskFinished):
            self._finished(event)

    def _finished(self, event: TaskFinished) -> None:
        title = _title(event.role, event.task)
        if self.progress is not None:
            self.progress.advance(self.bar)
            if event.status in ("changed", "failed", "unreachable"):
                self.progress.console.print(f"{_MARKS[event.status]} {escape(title)}")
        else:
            line = f"{self.clock()} {event.status:<11} {title} ({event.seconds:.1f} s)"
            self.console.print(line, soft_wrap=True, markup=False)
        if self.verbose and event.message:
            self.console.print(f"    {event.message}", soft_wrap=True, markup=False)


_MARKS = {
    "changed": "[yellow]changed[/]",
    "failed": "[red]failed[/]",
    "unreachable": "[red]unreachable[/]",
}


def _title(role: str, task: str) -> str:
    return f"{role}: {task}" if role else task


def step(console: Console) -> "Step":
    """Return a progress callback for the steps of ``labdb lab``."""
    return Step(console)


class Step:
    """Print each step of the lab with its seconds."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def __call__(self, step: str, seconds: float | None) -> None:
        """Print *step* when it has ended; on a terminal also when it begins."""
        if seconds is not None:
            self.console.print(f"{seconds:7.1f} s  {step}", highlight=False)
        elif self.console.is_terminal:
            sys.stderr.write(f"          {step} ...\r")
            sys.stderr.flush()
