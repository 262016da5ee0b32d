"""The drill itself: restore, replay to the record, compare, replay to the target, check."""

import json
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import SystemRandom
from typing import Any

from labdb.domain.recovery import archive, evidence
from labdb.domain.recovery.choice import (
    Choice,
    choose,
    damaged,
    readable,
    repository,
    unreadable,
)
from labdb.domain.recovery.drill import Drill, random_moment
from labdb.domain.recovery.fingerprint import fingerprints
from labdb.domain.recovery.records import Contents, Record, after, before
from labdb.domain.recovery.space import Space, must_fit
from labdb.domain.recovery.target import LATEST, RecoveryTarget, written
from labdb.drill.instance import OPEN, PAUSED, Instance, folder_is_free
from labdb.drill.process import ask, complaints, query, run
from labdb.drill.record import records
from labdb.drill.settings import Invariant, Settings, Wanted
from labdb.errors import RefusedError, RunError
from labdb.report import Finding

ARCHIVE_SECONDS = 60
SEEDS = 1 << 32
SHOWN = 3
INVARIANT = "ask it of the running server; backup.drill.invariants declares it"
BY_HAND = "labdb restore SERVER --latest, and run it there by hand"
SEGMENT_NAME = 24

Tell = Callable[[str], None]


class Trial:
    """One drill under way: its phases, and what was found so far."""

    def __init__(self, settings: Settings, wanted: Wanted, tell: Tell) -> None:
        self.settings = settings
        self.wanted = wanted
        self.tell = tell
        self.begin = datetime.now(tz=UTC)
        self.instance = Instance(settings)
        self.phases: dict[str, float] = {}
        self.findings: list[Finding] = []
        self.rpo = 0.0
        self.size = 0
        self.target = ""
        self.record: Record | None = None

    def run(self) -> Drill:
        """Drill, and return what came of it; a set that fails is an answer, not an error.

        Raises:
            RefusedError: there is nothing to restore, no space, or the folder is not ours.
            RunError: pgBackRest does not say what there is.
        """
        if not folder_is_free(self.instance.folder):
            raise RefusedError(
                f"{self.instance.folder} holds files that no drill left there",
                hint="move them away; nothing was changed",
            )
        self.instance.clear()
        chosen, until = self._choose()
        try:
            self._prove(chosen, until)
        except RunError as error:
            self.findings.append(Finding("restore", "critical", error.what, error.why, error.hint))
        finally:
            self.instance.kill()
            self.instance.clear()
        return Drill(
            begin=self.begin.isoformat(timespec="seconds"),
            stanza=self.settings.stanza,
            set=chosen.set.label,
            kind=chosen.set.kind,
            stop=written(chosen.set.stop),
            repository=chosen.set.repository,
            target=self.target,
            record=self.record.name if self.record else "",
            size=self.size,
            rpo=round(self.rpo, 3),
            phases=self.phases,
            findings=self.findings,
        )

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        self.tell(name)
        begin = time.monotonic()
        try:
            yield
        finally:
            self.phases[name] = round(time.monotonic() - begin, 3)

    def _choose(self) -> tuple[Choice, datetime | None]:
        """Return the set, its WAL, and the last moment that is known to be reached."""
        with self._phase("choice"):
            # Before anything is waited for: a repository that cannot be read gets no WAL either.
            readable(repository(self._info()), self.wanted.repository)
            until = self._close_segment()
            info = self._info()
            now = datetime.now(tz=UTC)
            chosen = choose(
                repository(info, (item.point for item in records(self.settings))),
                LATEST,
                now=now,
                label=self.wanted.label,
                number=self.wanted.repository,
            )
            must_fit(chosen.needed, self._space())
            crossed = chosen.crossed
            self.findings += [
                evidence.clock(jump, "warning" if jump in crossed else "info")
                for jump in chosen.jumps
            ]
            for label in damaged(info, since=chosen.set):
                self.findings.append(_damaged(label, self._info(f"--set={label}")))
            folder = archive.archive_folder(info, chosen.set.repository)
            listed = run(
                "pgbackrest",
                f"--stanza={self.settings.stanza}",
                f"--repo={chosen.set.repository}",
                "repo-ls",
                "--recurse",
                f"archive/{self.settings.stanza}/{folder}",
            )
            there = archive.numbers(listed.split())
            gone = archive.missing(there, chosen.wal_first, chosen.wal_last)
            if gone:
                self.findings.append(archive.after_newest(gone, chosen.set.repository))
        # Behind a jump of the clock a time may mean two moments.
        return chosen, until and min([until, *(jump.since for jump in crossed)])

    def _info(self, *options: str) -> Any:
        stanza = f"--stanza={self.settings.stanza}"
        told = run("pgbackrest", stanza, "--output=json", *options, "info")
        # Not strict: of a file that it cannot decrypt it repeats what it read, control letters too.
        return json.loads(told, strict=False)

    def _space(self) -> Space:
        there = shutil.disk_usage(self.instance.folder)
        return Space(there.free, there.total, self.settings.most_used)

    def _close_segment(self) -> datetime | None:
        """Return a moment up to which everything is in the archive; how old it was before is RPO.

        None where the server does not answer, or does not archive: there is what it did before.
        """
        where = (f"--port={self.settings.port}",)
        try:
            archiver = ask(where, query("archiver"))
            self.rpo = _unarchived(archiver, self.begin)
            last = datetime.fromtimestamp(archiver["archived_at"] or 0, tz=UTC)
            self.findings += evidence.archived(last, self.begin)
            moment = ask(where, "SELECT to_json(extract(epoch FROM clock_timestamp()))")
            # A target is reached when a commit after it is found.
            ask(where, "SELECT to_json(pg_current_xact_id()::text)")
            segment = ask(where, "SELECT to_json(pg_walfile_name(pg_switch_wal()))")
        except RunError as error:
            what = "the running server does not answer: only what it archived before is drilled"
            hint = "labdb status says how the server is"
            self.findings.append(Finding("archive", "warning", what, error.why, hint))
            return None
        end = time.monotonic() + ARCHIVE_SECONDS
        while _newest(ask(where, query("archiver"))) < segment:
            if time.monotonic() > end:
                what = f"WAL segment {segment} was not archived within {ARCHIVE_SECONDS} s"
                said = unreadable(self._info()).items()
                why = "; ".join(
                    f"repository {key} cannot be read: {reason}" for key, reason in said
                )
                hint = "pgbackrest check says why; labdb status shows the age of the last one"
                self.findings.append(Finding("archive", "critical", what, why, hint))
                return None
            time.sleep(0.5)
        return datetime.fromtimestamp(moment, tz=UTC)

    def _prove(self, chosen: Choice, until: datetime | None) -> None:
        kept = records(self.settings)
        self.record = after(kept, chosen.set)
        with self._phase("restore"):
            self._restore(chosen)
        self.size = self.instance.size()
        if self.record is None:
            what = f"no fingerprints were recorded after set {chosen.set.label}"
            hint = "labdb-fingerprints.service records them after each backup"
            self.findings.append(
                Finding("fingerprints", "warning", what, "contents were not compared", hint)
            )
        else:
            self._compare(self.record, before(kept, self.record))
        first = chosen.set.first_moment
        self._replay(max(first, self.record.moment) if self.record else first, until)
        self._check()

    def _restore(self, chosen: Choice) -> None:
        try:
            self.instance.restore(chosen)
        except RunError as error:
            raise RunError(
                f"set {chosen.set.label} cannot be restored "
                f"from repository {chosen.set.repository}",
                why=error.why,
                hint="labdb backup check --files reads all files; labdb backup run makes a new set",
            ) from error

    def _compare(self, record: Record, earlier: Record | None) -> None:
        with self._phase("replay to the record"):
            point = {"recovery_target_name": record.name, "recovery_target_action": "pause"}
            self.instance.start(point)
            self.instance.wait(PAUSED)
        with self._phase("fingerprints"):
            restored = {}
            for name in self.instance.ask(query("databases")):
                restored[name] = Contents(
                    fingerprints(self.instance.ask(query("fingerprint"), name)),
                    self.instance.ask(query("extensions"), name),
                )
            self.findings += evidence.contents(record, restored)
            self.findings += evidence.lost_since(record, earlier)
        self.instance.stop()

    def _replay(self, first: datetime, until: datetime | None) -> None:
        target, how = LATEST, ""
        if until is not None and first < until:
            seed = self.wanted.seed
            seed = SystemRandom().randrange(SEEDS) if seed is None else seed
            target = RecoveryTarget("time", written(random_moment(first, until, seed)))
            how = f" (seed {seed})"
        self.target = str(target)
        with self._phase("replay to the target"):
            time_ = {"recovery_target_time": target.value} if target.value else {}
            self.instance.start(time_ | {"recovery_target_action": "promote"})
            self.instance.wait(OPEN)
        self.findings.append(Finding("recovery", "ok", f"the server opened at {target}{how}"))

    def _check(self) -> None:
        names = self.instance.ask(query("databases"))
        with self._phase("invariants"):
            self.findings += [self._invariant(item) for item in self.settings.invariants]
        with self._phase("amcheck"):
            self.findings += self._amcheck()
        files: dict[str, str] = {}
        for name in names:
            told = self.instance.ask(query("relation_files"), name)
            files |= {path: f"{name}: {relation}" for path, relation in told.items()}
        self.instance.stop()
        with self._phase("checksums"):
            self.findings += self._checksums(files)

    def _invariant(self, item: Invariant) -> Finding:
        try:
            answer = self.instance.ask(f"SELECT to_json(({item.sql}))", item.database)
        except RunError as error:
            what = f"invariant {item.name} cannot be asked in {item.database}"
            return Finding("invariants", "critical", what, error.why, INVARIANT)
        if answer is True:
            return Finding("invariants", "ok", f"{item.name} holds in {item.database}")
        what = f"{item.name} does not hold in {item.database}"
        return Finding(
            "invariants", "critical", what, f"it answers {answer}: {item.sql}", INVARIANT
        )

    def _amcheck(self) -> list[Finding]:
        command = [
            str(self.settings.programs / "pg_amcheck"),
            *self.instance.where,
            "--all",
            "--install-missing",
            "--heapallindexed",
            "--parent-check",
        ]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
        found = evidence.amcheck(done.stdout)
        if found:
            return found
        if done.returncode:
            why = complaints(done.stderr or done.stdout)
            return [Finding("amcheck", "critical", "pg_amcheck did not get through", why, BY_HAND)]
        return [Finding("amcheck", "ok", "every heap and B-tree index is consistent")]

    def _checksums(self, files: dict[str, str]) -> list[Finding]:
        program = str(self.settings.programs / "pg_checksums")
        command = [program, "--check", "-D", str(self.instance.data)]
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", check=False
        )
        found = evidence.checksums(done.stderr, files)
        if found:
            return found
        if done.returncode:
            why = complaints(done.stderr or done.stdout)
            return [
                Finding("checksums", "critical", "pg_checksums did not get through", why, BY_HAND)
            ]
        return [Finding("checksums", "ok", "every page has the checksum that it was written with")]


def _newest(archiver: Any) -> str:
    """Return the segment that was archived last; nothing where it was a file of another kind."""
    name = str(archiver["archived"] or "")[:SEGMENT_NAME]
    return name if all(digit in "0123456789ABCDEF" for digit in name) else ""


def _unarchived(archiver: Any, now: datetime) -> float:
    """Return how old the oldest commit may be that is in no archived segment."""
    # Not less than nothing, where the clock went back since.
    age = max(0.0, now.timestamp() - (archiver["archived_at"] or 0.0))
    if not archiver["waiting"] or not archiver["archived_at"]:
        # Only the segment that is being written is missing: it is closed within archive_timeout.
        return min(age, float(archiver["timeout"]))
    return age


def _damaged(label: str, info: Any) -> Finding:
    files = [str(name) for name in info[0]["backup"][0].get("error-list", ())]
    what = f"set {label} holds pages whose checksum was wrong when they were copied"
    hint = "the running server's disk lost bytes; nothing is restored from this set"
    return Finding("set", "critical", what, ", ".join(files[:SHOWN]), hint)
