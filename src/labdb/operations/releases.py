"""Promote a release of catalogues, roll back to the one before, and tell of both.

All views change in one transaction. What takes long, the fingerprints, comes before the first view
is touched; then each view is replaced with a short patience, so that nobody queues behind us.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from typing import Any

import psycopg

from labdb.adapters import releases
from labdb.adapters.catalogue import lock
from labdb.adapters.catalogue.connection import connect, told
from labdb.adapters.catalogue.fingerprint import fingerprint, settle
from labdb.adapters.catalogue.tables import Target
from labdb.adapters.releases import Released, Rights
from labdb.domain.releases import history as past
from labdb.domain.releases.history import Action
from labdb.domain.releases.views import Act, Plan, Step, plan, unfit
from labdb.errors import RefusedError, UsageError
from labdb.operations.catalogue.watcher import Watcher
from labdb.report import Change, Effect, Finding, Phase, Report

VIEWS = "catalogs"
LOCK_TIMEOUT = "200ms"
"""Shorter than PostgreSQL waits before it looks for a deadlock (1 s): we give up, not a reader."""
TABLE_LOCK_TIMEOUT = "5s"
PATIENCE = 5.0
"""Seconds in which the views are tried again and again."""
PAUSE = 0.3
AGAIN = "nothing has changed: mend what the why says, then run the same command again"


@dataclass(frozen=True, slots=True)
class Request:
    """Where, which schema has the views, and whether views may be made anew."""

    conninfo: str
    views: str = VIEWS
    anew: bool = False
    dry_run: bool = False
    patience: float = PATIENCE


@dataclass(frozen=True, slots=True)
class _Move:
    """One promotion or rollback, ready to be done."""

    request: Request
    release: str
    action: Action
    previous: str | None
    tables: Sequence[Released]
    plan: Plan
    rights: dict[str, Rights]
    before: dict[str, str]


def promote(request: Request, release: str, watcher: Watcher) -> Report:
    """Let all views point to the tables of the schema *release*.

    Raises:
        UsageError: there is no such release.
        RefusedError: it is not complete, mixes versions, does not fit the views that stand or their
            readers, or somebody holds a view; everything is listed, and nothing has changed.
    """
    return _move(request, release, "promote", watcher)


def rollback(request: Request, release: str | None, watcher: Watcher) -> Report:
    """Let all views point to *release*, or to the release before the current one.

    Views that nobody depends on are made anew where that is needed: the way back stays open.

    Raises:
        RefusedError: there is none before, or what :func:`promote` refuses.
    """
    return _move(request, release, "rollback", watcher)


def _move(request: Request, release: str | None, action: Action, watcher: Watcher) -> Report:
    begin = time.monotonic()
    command = f"release {action}"
    with _opened(request.conninfo) as connection:
        database = connection.info.dbname
        with told(command, AGAIN), connection.transaction():
            _alone(connection, request.views)
            settle(connection)
            move = _planned(connection, request, release, action)
            told_tables = _fingerprints(connection, move, watcher)
            changed = _is_new(connection, move, told_tables)
            if changed and not request.dry_run:
                releases.create_schema(connection, request.views)
                done = (move.release, action, move.previous)
                releases.write(connection, request.views, done, told_tables)
                watcher.say(f"views of {request.views}")
                _switch(connection, move)
                _readable(connection, move)
    return Report(
        command,
        database,
        _summary(move, changed=changed),
        changes=[_change(move, step) for step in move.plan.steps],
        findings=_drifted(move, told_tables),
        phases=(Phase("all", time.monotonic() - begin),),
        data={
            "release": move.release,
            "previous": move.previous,
            "views": request.views,
            "dry_run": request.dry_run,
            "tables": told_tables,
        },
    )


@contextmanager
def _opened(conninfo: str) -> Iterator[psycopg.Connection]:
    with connect(conninfo, "", "labdb release") as connection:
        connection.autocommit = True
        connection.execute("SELECT set_config('lock_timeout', %s, false)", [TABLE_LOCK_TIMEOUT])
        yield connection


def _alone(connection: psycopg.Connection, views: str) -> None:
    row = connection.execute(
        "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))", [f"labdb release {views}"]
    ).fetchone()
    if row is None or not row[0]:
        raise RefusedError(
            f"somebody else is changing the views of {views}",
            why="another labdb release promote or rollback has not ended",
            hint="wait until it has, then look: labdb release list",
        )


def _planned(
    connection: psycopg.Connection, request: Request, release: str | None, action: Action
) -> _Move:
    lines = releases.history(connection, request.views)
    done = [one.done for one in lines]
    if action == "rollback":
        release = _back_to(done, release, request.views)
    if release is None:
        raise UsageError("no release is named", hint="labdb release list shows them")
    tables = _tables(connection, request, release)
    offered = [one.offered for one in tables]
    ours = {str(table["table"]) for line in lines for table in line.tables}
    there, rights = releases.standing(connection, request.views, ours)
    there = [one for one in there if one.name != releases.HISTORY]
    made = plan(release, offered, there, anew=request.anew or action == "rollback")
    problems = [*unfit(offered), *made.problems]
    for one in there:
        if one.name in {each.name for each in offered} and one.kind == "v" and one.ours:
            problems += [
                f"{one.name}: readers lack rights: {statement}"
                for statement in releases.unreadable(
                    connection, Target(request.views, one.name), Target(release, one.name)
                )
            ]
    if problems:
        raise RefusedError(
            f"{release} cannot take the place of the views in {request.views}; nothing has changed",
            why="\n".join(problems),
            hint="load what is missing, give readers their rights; where columns differ, what "
            "depends on them has to go, then --recreate makes the views anew",
        )
    before = next((one.tables for one in reversed(lines) if one.done.release == release), ())
    prints = {str(one["table"]): str(one["fingerprint"]) for one in before}
    return _Move(request, release, action, past.current(done), tables, made, rights, prints)


def _back_to(done: Sequence[past.Done], release: str | None, views: str) -> str:
    before = past.previous(done)
    if release is None and before is None:
        raise RefusedError(
            f"there is no release before the one that the views of {views} point to",
            why=f"promoted are: {', '.join(past.standing(done)) or 'none'}",
            hint="labdb release list shows all releases; promote takes any of them",
        )
    if release is not None and release not in {one.release for one in done}:
        raise RefusedError(
            f"{release} was never promoted",
            why=f"the views of {views} pointed to {', '.join(past.standing(done)) or 'none yet'}",
            hint=f"labdb release promote {release}",
        )
    return release or str(before)


def _tables(connection: psycopg.Connection, request: Request, release: str) -> list[Released]:
    if release == request.views:
        raise UsageError(
            "a release cannot be the schema of the views",
            hint="load it into another schema: labdb catalogue load --schema dr1",
        )
    found = releases.released(connection, release)
    if not found:
        there = [one for one in releases.schemas(connection) if one != request.views]
        raise UsageError(
            f"there is no release {release}",
            why=f"catalogues were loaded into {', '.join(there) or 'no schema'}",
            hint="labdb catalogue load --schema NAME makes one",
        )
    return found


def _fingerprints(
    connection: psycopg.Connection, move: _Move, watcher: Watcher
) -> list[dict[str, Any]]:
    """Return the provenance of each table; writers are kept out of all of them from here on."""
    found = []
    targets = [Target(move.release, one.offered.name) for one in move.tables]
    for target in targets:
        lock.take(connection, target, shared=True)
    for target in targets:
        try:
            with connection.transaction():
                releases.freeze(connection, target)
        except psycopg.errors.LockNotAvailable as error:
            raise RefusedError(
                f"{target} is being written",
                why="\n".join(releases.lockers(connection, [target]))
                or "the writer has just ended",
                hint="wait until that transaction has ended, then run the same command again",
            ) from error
    for target, one in zip(targets, move.tables, strict=True):
        watcher.say(f"fingerprint of {target}")
        now = fingerprint(connection, target)
        found.append(
            {
                "table": target.name,
                "model": one.offered.models[0],
                "model_version": one.offered.versions[0],
                "model_table": one.model_table,
                "rows": now.rows,
                "fingerprint": now.hash,
                "files": list(one.files),
            }
        )
    return found


def _is_new(connection: psycopg.Connection, move: _Move, tables: Sequence[dict[str, Any]]) -> bool:
    """Tell whether anything would change: a view, or what its release holds."""
    lines = releases.history(connection, move.request.views)
    if move.plan.steps or not lines or lines[-1].done.release != move.release:
        return True
    return list(lines[-1].tables) != list(tables)


def _switch(connection: psycopg.Connection, move: _Move) -> None:
    """Do all steps or none; try again for a while as long as somebody reads a view.

    Readers take the views in an order of their own: each try takes them in another one, so that
    not every try meets readers who have what it wants and want what it has.
    """
    views = [Target(move.request.views, step.name) for step in move.plan.steps]
    comments = {one.offered.name: one.comment for one in move.tables}
    stood = [one for one, step in zip(views, move.plan.steps, strict=True)
             if step.act is not Act.CREATE]  # fmt: skip
    end = time.monotonic() + move.request.patience
    for turn in count():
        try:
            with connection.transaction():
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_TIMEOUT])
                for view in turned(stood, turn):
                    releases.hold(connection, view)
                for step in move.plan.steps:
                    given = (comments.get(step.name, ""), move.rights.get(step.name))
                    releases.apply(connection, move.request.views, move.release, step, given)
        except psycopg.errors.LockNotAvailable as error:
            who = releases.lockers(connection, views)
            if time.monotonic() > end:
                raise RefusedError(
                    f"somebody reads the views of {move.request.views}; nothing has changed",
                    why="\n".join(who) or "whoever it was has ended a moment ago",
                    hint="wait until those transactions have ended, then run it again; "
                    "--patience waits longer, without stopping anybody",
                ) from error
            time.sleep(PAUSE)
        else:
            return


def turned(views: Sequence[Target], turn: int) -> list[Target]:
    """Return *views* in the order of the try with the number *turn*, counted from 0."""
    if not views:
        return []
    start = turn // 2 % len(views)
    order = [*views[start:], *views[:start]]
    return order[::-1] if turn % 2 else order


def _readable(connection: psycopg.Connection, move: _Move) -> None:
    """See that whoever may read a new view may read what it shows."""
    lacking = [
        statement
        for step in move.plan.steps
        if step.act is not Act.DROP
        for statement in releases.unreadable(
            connection,
            Target(move.request.views, step.name),
            Target(move.release, step.name),
        )
    ]
    if lacking:
        raise RefusedError(
            f"readers of {move.request.views} could not read {move.release}; nothing has changed",
            why="\n".join(lacking),
            hint="run these statements, as the owner of the tables, then run it again",
        )


def _summary(move: _Move, *, changed: bool) -> str:
    views = move.request.views
    if not changed:
        return f"nothing to do: {views} shows {move.release} already"
    would = "would show" if move.request.dry_run else "shows"
    before = f", {move.previous} before" if move.previous else ""
    return f"{views} {would} {move.release}{before}: {len(move.plan.steps)} views changed"


def _change(move: _Move, step: Step) -> Change:
    reason = f"new columns: {', '.join(step.added)}" if step.added else ""
    after = None if step.act is Act.DROP else f"{move.release}.{step.name}"
    before = None
    if step.act is not Act.CREATE and move.previous:
        before = f"{move.previous}.{step.name}"
    return Change(f"view {step.name}", step.act, before, after, Effect.LIVE, reason)


def _drifted(move: _Move, tables: Sequence[dict[str, Any]]) -> list[Finding]:
    """Return which tables are not what they were when their release was promoted the last time."""
    return [
        Finding(
            "release.changed",
            "info",
            f"{move.release}.{one['table']} has other rows than when it was promoted last",
            why="its fingerprint is another",
        )
        for one in tables
        if move.before.get(one["table"], one["fingerprint"]) != one["fingerprint"]
    ]


def list_releases(conninfo: str, views: str) -> Report:
    """Return all releases, and which one the views show."""
    with _opened(conninfo) as connection, told("release list", AGAIN):
        lines = releases.history(connection, views)
        now = past.current([one.done for one in lines])
        rows = [
            _listed(connection, name, now) for name in releases.schemas(connection) if name != views
        ]
        return Report(
            "release list",
            connection.info.dbname,
            f"{views} shows {now}" if now else f"{views} shows no release yet",
            data={"current": now, "previous": past.previous([one.done for one in lines]),
                  "releases": rows},
        )  # fmt: skip


def _listed(connection: psycopg.Connection, name: str, now: str | None) -> dict[str, Any]:
    tables = releases.released(connection, name)
    return {
        "release": name,
        "current": name == now,
        "tables": len(tables),
        "rows": sum(file["rows"] or 0 for one in tables for file in one.files),
        "problems": unfit([one.offered for one in tables]),
    }


def show(conninfo: str, views: str, release: str | None) -> Report:
    """Return a release's tables with their files, and what was done with it.

    Raises:
        UsageError: there is no such release.
    """
    request = Request(conninfo, views)
    with _opened(conninfo) as connection, told("release show", AGAIN):
        lines = releases.history(connection, views)
        now = past.current([one.done for one in lines])
        wanted = release or now
        if wanted is None:
            raise UsageError(
                "no release is promoted yet", hint="name one; labdb release list shows them"
            )
        tables = _tables(connection, request, wanted)
        ours = {str(table["table"]) for line in lines for table in line.tables}
        there, _ = releases.standing(connection, views, ours)
        pointing = {one.name: one.source for one in there if one.kind == "v" and one.ours}
        problems = unfit([one.offered for one in tables])
        return Report(
            "release show",
            connection.info.dbname,
            f"{wanted}: {len(tables)} tables" + (", shown now" if wanted == now else ""),
            findings=[*_elsewhere(pointing, now, views), *_unfit(problems, wanted)],
            data={
                "release": wanted,
                "current": wanted == now,
                "tables": [_shown(one) for one in tables],
                "history": [
                    asdict(one.done) | {"previous": one.previous, "at": one.at, "by": one.by,
                                        "code_version": one.code_version,
                                        "tables": list(one.tables),
                                        "cosmologies": list(one.cosmologies)}
                    for one in lines if one.done.release == wanted
                ],
            },
        )  # fmt: skip


def _shown(one: Released) -> dict[str, Any]:
    return {
        "table": one.offered.name,
        "models": list(one.offered.models),
        "versions": list(one.offered.versions),
        "rows": sum(file["rows"] or 0 for file in one.files),
        "files": list(one.files),
        "comment": one.comment,
    }


def _elsewhere(
    pointing: dict[str, tuple[str, str] | None], now: str | None, views: str
) -> list[Finding]:
    """Return the views that do not show the current release: somebody changed them by hand."""
    return [
        Finding(
            "release.view",
            "warning",
            f"{views}.{name} does not show {now}",
            why=f"it shows {'.'.join(source) if source else 'no table'}",
            hint=f"labdb release promote {now}",
        )
        for name, source in pointing.items()
        if now is not None and source != (now, name)
    ]


def _unfit(problems: Sequence[str], release: str) -> list[Finding]:
    return [
        Finding(
            "release.unfit",
            "warning",
            problem,
            why=f"{release} cannot be promoted like this",
            hint="labdb catalogue load brings what is missing; one version of a model for all",
        )
        for problem in problems
    ]
