"""Load catalogue files: every file whole or not at all, and nothing twice."""

import threading
import time
from collections import Counter, deque
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass
from pathlib import Path
from queue import Queue
from typing import Any

from labdb.adapters.catalogue.connection import AGAIN, connect, told
from labdb.domain.catalogue.estimate import estimate
from labdb.domain.catalogue.table import VECTORS_MOST
from labdb.errors import RunError
from labdb.operations.catalogue import one_file
from labdb.operations.catalogue.complete import complete
from labdb.operations.catalogue.one_file import How, Loaded, Ready
from labdb.operations.catalogue.parts import Asked, Fitted, fitted, parts
from labdb.operations.catalogue.prepare import pending, prepare, targets
from labdb.operations.catalogue.watcher import Watcher
from labdb.report import Finding, Phase, Report

COMMAND = "catalogue load"
READ_AHEAD = 1
"""Parts, for each job, that were read and are not sent yet, besides those that are being read."""


@dataclass(frozen=True, slots=True)
class Request:
    """What to load, and how."""

    paths: Sequence[Path]
    asked: Asked
    how: How
    jobs: int = 1


def rehearse(request: Request) -> Report:
    """Return what a load would do; nothing but the headers of the files is read.

    Raises:
        LabdbError: what :func:`load` would raise before it connects.
    """
    found, left = parts(request.asked, request.paths)
    good = fitted(found)
    rows = [_rehearsed(one) for one in good]
    seconds = sum(row["seconds"] for row in rows)
    total = sum(one.rows for one in good)
    return Report(
        COMMAND,
        request.asked.model.name,
        f"would load {total:,} rows of {len(good)} parts in about {seconds:.0f} s",
        findings=[*_crowded(good), *_ignored(left)],
        data={"dry_run": True, "parts": rows},
    )


def _rehearsed(one: Fitted) -> dict[str, Any]:
    lacking = [each.column.name for each in one.filled if each.source is None]
    guess = estimate(one.part.table, one.rows, lacking)
    return {
        "file": one.part.path.name,
        "table": str(one.part.target),
        "rows": one.rows,
        "bytes": one.size,
        "bytes_in_database": guess.size,
        "seconds": guess.seconds,
        "columns": one.column_map,
        "constants": one.part.constants,
        "not_in_file": lacking,
    }


def load(request: Request, watcher: Watcher) -> Report:
    """Load what is not there yet, then make indexes, keys and statistics that are missing.

    Raises:
        UsageError: files, table or names do not belong to the model.
        DeclarationError: columns do not fit the model, or a table that is there.
        UnreachableError: PostgreSQL does not answer.
        RefusedError: another load is at work, or a loaded file has changed.
        RunError: a file could not be loaded; those before it stay.
    """
    begin = time.monotonic()
    found, left = parts(request.asked, request.paths)
    good = fitted(found)
    wanted = targets(good)
    tables = ", ".join(str(target) for target in wanted)
    with connect(request.how.conninfo, tables) as connection:
        connection.autocommit = True  # the lock is held without an open transaction
        database = connection.info.dbname
        with told(tables):
            prepare(connection, good)
            todo, there = pending(connection, good, replace=request.how.replace)
        read = time.monotonic()
        watcher.expect(sum(one.rows for one in todo))
        done = _Jobs(todo, request, watcher).run()
        sent = time.monotonic()
        fresh = {one.part.target for one in todo}
        made, findings = complete(connection, wanted, fresh, watcher)
    end = time.monotonic()
    return Report(
        COMMAND,
        database,
        _summary(done, there, made, sent - read),
        findings=[*findings, *_crowded(good), *_rejected(done), *_ignored(left)],
        phases=(
            Phase("look", read - begin),
            Phase("rows", sent - read),
            Phase("indexes", end - sent),
        ),
        data={"parts": [asdict(one) for one in [*there, *done]], "made": made},
    )


class _Jobs:
    """Loads parts, some at a time; after the first error nothing new is read.

    A part that was read before a damaged one is sent; after an error in sending none is.

    Each job reads parts and sends parts, in two threads. What has been read is sent by whichever
    job is free, and the largest parts come first: none is left with much to do when the others
    have nothing (Graham 1969, "Bounds on multiprocessing timing anomalies").
    """

    def __init__(self, todo: Sequence[Fitted], request: Request, watcher: Watcher) -> None:
        self._jobs = min(request.jobs, len(todo))
        if self._jobs > 1:
            todo = sorted(todo, key=lambda one: one.rows, reverse=True)
        self._waiting = deque(todo)
        self._read_ones: Queue[Ready | None] = Queue(max(1, self._jobs * READ_AHEAD))
        self._how = request.how
        self._watcher = watcher
        self._failed, self._interrupted = threading.Event(), threading.Event()

    def run(self) -> list[Loaded]:
        """Return what became of all parts."""
        if not self._jobs:
            return []
        with ThreadPoolExecutor(max_workers=2 * self._jobs) as pool:
            readers = [pool.submit(self._read) for _ in range(self._jobs)]
            senders = [pool.submit(self._send) for _ in range(self._jobs)]
            every: list[Future[Any]] = [*readers, *senders]
            try:
                wait(every)
            except BaseException:
                self._failed.set()
                self._interrupted.set()
                raise
        for each in readers:
            each.result()
        return [one for each in senders for one in each.result()]

    def _read(self) -> None:
        """Read parts until there are no more; then one sender can end."""
        try:
            while not self._failed.is_set():
                try:
                    part = self._waiting.popleft()
                except IndexError:
                    return
                self._read_ones.put(one_file.read(part, self._how))
        except BaseException:
            self._waiting.clear()
            raise
        finally:
            self._read_ones.put(None)

    def _send(self) -> list[Loaded]:
        """Send parts that were read; after an error, let go of them, so that no reader waits."""
        done: list[Loaded] = []
        trouble: BaseException | None = None
        while (one := self._read_ones.get()) is not None:
            if self._failed.is_set():
                one_file.leave(one)
                continue
            self._watcher.say(str(one.fitted.part))
            try:
                done.append(one_file.send(one, self._how, self._advance))
            except BaseException as error:  # noqa: BLE001 - raised below, once nobody waits
                self._failed.set()
                trouble = error
        if trouble is not None:
            raise trouble
        return done

    def _advance(self, rows: int) -> None:
        if rows > 0 and self._interrupted.is_set():
            raise RunError("the load was interrupted", hint=AGAIN)
        self._watcher.advance(rows)


def _crowded(found: Sequence[Fitted]) -> list[Finding]:
    """Tell of tables that have more vectors than the lab keeps in PostgreSQL."""
    rows: Counter[str] = Counter()
    for one in found:
        if one.part.table.nearest:
            rows[str(one.part.target)] += one.rows
    return [
        Finding(
            "catalogue.vectors",
            "info",
            f"{table} has {count:,} vectors, more than {VECTORS_MOST:,}",
            why="an HNSW index is fast while it fits into memory: see the estimate of --dry-run",
            hint="keep the vectors that are asked for often here, and all in a vector database",
        )
        for table, count in rows.items()
        if count > VECTORS_MOST
    ]


def _summary(
    done: Sequence[Loaded], there: Sequence[Loaded], made: Sequence[str], seconds: float
) -> str:
    rows = sum(one.rows for one in done)
    if not done and not made:
        return f"nothing to do: all {len(there)} parts are there"
    parts_text = f"{rows:,} rows of {len(done)} parts"
    rate = f" ({rows / seconds:,.0f} rows/s)" if done and seconds > 0 else ""
    already = f", {len(there)} parts were there" if there else ""
    indexes = f", {len(made)} indexes made" if made else ""
    return f"{parts_text}{rate}{already}{indexes}"


def _rejected(done: Sequence[Loaded]) -> list[Finding]:
    return [
        Finding(
            "catalogue.rejected",
            "info",
            f"{one.file}: {sum(one.rejected.values()):,} rows were left out",
            why=", ".join(f"{count:,} x {reason}" for reason, count in one.rejected.items()),
        )
        for one in done
        if one.rejected
    ]


def _ignored(left: Sequence[Path]) -> list[Finding]:
    if not left:
        return []
    names = ", ".join(path.name for path in left[:5]) + (" ..." if len(left) > 5 else "")  # noqa: PLR2004 - the first ones
    what = f"{len(left)} files in the directories are not of this model"
    return [Finding("catalogue.ignored", "info", what, why=names)]
