"""Plan, ask, run the playbook, verify, report: from a declaration to a proven server."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

from labdb.adapters import proxmox, rundir, runner, shell, vault
from labdb.adapters.inventory import Declaration, MachineDeclaration
from labdb.domain.recovery.target import written
from labdb.domain.variables import role_variables
from labdb.errors import LabdbError, RefusedError, RunError, UnreachableError, UsageError
from labdb.events import Event, RunFinished, TaskFinished
from labdb.operations.connection import connection, write_authority
from labdb.operations.plan import Allowed, Plan, plan
from labdb.operations.verify import prove
from labdb.report import Finding, Phase, Report

PLAYBOOK = "provision"
REPOSITORY_HOST_PLAYBOOK = "repository_host"
GUEST_PLAYBOOK = "guest"
REPLACEMENT = "/var/lib/labdb/replacement.json"
"""Where the role ``pgbackrest_replace`` writes what was restored."""
RECOVERY_TASK = "What was restored"
MENDED = ("postgresql", "restart")
"""Findings of a plan that a run mends: PostgreSQL is down, or waits for a restart."""


class Watcher(Protocol):
    """Whoever watches a provision: told what happens, and asked once."""

    def say(self, what: str) -> None:
        """Take note of what is being done now."""

    def agrees(self, planned: Report) -> bool:
        """Show the plan; tell whether to go on."""

    def expect(self, tasks: int | None) -> None:
        """Take note of how many tasks the last run had."""

    def see(self, event: Event) -> None:
        """Take note of what the playbook does."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to provision; an empty cluster is recovered from the repository *recover_from*."""

    check: bool = False
    allowed: Allowed = field(default_factory=Allowed)
    restart_postgresql: bool = True
    recover_from: int = 0
    verbosity: int = 0


@dataclass(slots=True)
class _Ran:
    """What the playbook did, gathered from its events."""

    finished: list[TaskFinished] = field(default_factory=list)
    end: RunFinished | None = None

    def take(self, event: Event) -> None:
        if isinstance(event, TaskFinished):
            self.finished.append(event)
        elif isinstance(event, RunFinished):
            self.end = event

    @property
    def changed(self) -> list[TaskFinished]:
        return [task for task in self.finished if task.status == "changed"]

    @property
    def failed(self) -> list[TaskFinished]:
        return [task for task in self.finished if task.status in ("failed", "unreachable")]

    def phases(self) -> list[Phase]:
        """Return the seconds of each role, in the order in which they ran."""
        seconds: dict[str, float] = {}
        for task in self.finished:
            seconds[task.role or "play"] = seconds.get(task.role or "play", 0.0) + task.seconds
        return [Phase(role, round(total, 3)) for role, total in seconds.items()]


def provision(declaration: MachineDeclaration, options: Options, watcher: Watcher) -> Report:
    """Make the machine what it is declared to be, and prove it.

    Raises:
        LabdbError: refused, unreachable, or the run failed; what was done stays as it is,
            and the next run takes it up.
    """
    environment, name = declaration.environment.name, declaration.machine.name
    if options.recover_from:
        _must_be_recoverable(declaration, options.recover_from)
    with rundir.lock(environment, name) as held:
        planned = plan(declaration, allowed=options.allowed, say=watcher.say)
        if planned.blockers:
            raise _refusal(planned.blockers)
        if not watcher.agrees(planned.report):
            raise RefusedError("nothing was done: the plan was not accepted")
        run = rundir.new(environment, name)
        run.write("plan", planned.report.to_dict())
        run.write("inventory", role_variables(declaration.machine, declaration.environment))
        try:
            report = _run(_Job(declaration, options, watcher, run, held), planned)
        except LabdbError as error:
            failed = replace(planned.report, command="provision", summary=error.what)
            run.write("report", failed.to_dict() | {"error": error.to_dict()})
            raise
        run.write("report", report.to_dict())
        return report


@dataclass(frozen=True, slots=True)
class _Job:
    """Everything that one run is made of."""

    declaration: MachineDeclaration
    options: Options
    watcher: Watcher
    run: rundir.RunDirectory
    held: rundir.Lock


def _run(job: _Job, planned: Plan) -> Report:
    declaration, options, watcher = job.declaration, job.options, job.watcher
    own = PLAYBOOK if isinstance(declaration, Declaration) else REPOSITORY_HOST_PLAYBOOK
    playbook = GUEST_PLAYBOOK if options.check and not planned.guest_answers else own
    begin = time.monotonic()
    ran = _play(job, playbook)
    seconds = time.monotonic() - begin
    findings = _left(planned.report.findings, check=options.check)
    phases = [*planned.report.phases, Phase("playbook", round(seconds, 3)), *ran.phases()]
    if options.check:
        if playbook == GUEST_PLAYBOOK:
            findings.append(_unchecked())
    else:
        watcher.say("verification")
        # It was the playbook that spoke to the guest a moment ago: nobody asks whether it answers.
        proven = prove(declaration)
        findings += proven.findings
        phases += proven.phases
    data: dict[str, Any] = {
        "changed_tasks": len(ran.changed),
        "tasks": len(ran.finished),
        "changed": [f"{task.role}: {task.task}".removeprefix(": ") for task in ran.changed],
        "run_directory": str(job.run.path),
        "check": options.check,
    }
    if not options.check and isinstance(declaration, Declaration):
        data["connect"] = connection(declaration)
        if options.recover_from:
            findings.append(_recovered(declaration, ran, seconds))
    summary = _summary(declaration, ran, findings, check=options.check)
    return Report(
        "provision", declaration.machine.name, summary,
        planned.report.changes, tuple(findings), tuple(phases), data,
    )  # fmt: skip


def _play(job: _Job, playbook: str) -> _Ran:
    declaration, options, watcher, run = job.declaration, job.options, job.watcher, job.run
    environment, name = declaration.environment.name, declaration.machine.name
    unwritten: Mapping[str, Any] = {}
    if isinstance(declaration, Declaration):
        unwritten = _secrets(declaration, watcher, check=options.check)
        if not options.check:
            _pin_repository_hosts(declaration)
    wanted = runner.PlaybookRun(
        playbook=playbook,
        inventory=declaration.inventory,
        limit=name,
        vault_key=vault.key(declaration),
        variables={
            "proxmox_guest_run_id": run.run_id,
            "proxmox_guest_allow_cloud_init_rerun": options.allowed.rerun_cloud_init,
            "proxmox_guest_allow_restart": options.allowed.restart_guest,
            "postgresql_config_allow_restart": options.restart_postgresql,
            "pgbackrest_recover_from": options.recover_from,
        },
        secret_variables=unwritten,
        check=options.check,
        verbosity=options.verbosity,
    )
    watcher.expect(rundir.last_task_count(environment, name, playbook))
    ran = play(wanted, run, watcher.see, started=job.held.note_playbook)
    rundir.remember_task_count(environment, name, playbook, len(ran.finished))
    return ran


def _must_be_recoverable(declaration: MachineDeclaration, number: int) -> None:
    """Refuse what could not end well, before anything is made.

    Raises:
        UsageError: there is no such repository.
        RefusedError: nobody has the passphrase of the repository any more.
    """
    name = declaration.machine.name
    if not isinstance(declaration, Declaration) or number not in declaration.server.schedules:
        known = declaration.server.schedules if isinstance(declaration, Declaration) else ()
        raise UsageError(
            f"{name} has no repository {number}",
            why=f"declared are {', '.join(f'repo{item}' for item in known) or 'none'}",
            hint="backup.repositories declares those off the host",
        )
    if vault.load(declaration) is None:
        raise RefusedError(
            f"the passphrase of the backups of {name} is not in the vault",
            why=f"{declaration.server_vault} or {declaration.environment_vault} lacks secrets, and "
            "a new passphrase opens no old repository",
            hint="take both files back from git, or from wherever you keep a copy",
        )


def _recovered(declaration: Declaration, ran: _Ran, seconds: float) -> Finding:
    """Return what the server was recovered from, and how long everything took."""
    seen = shell.probe(shell.guest_of(declaration), {"texts": [REPLACEMENT]})
    if not any(RECOVERY_TASK in task.task for task in ran.changed):
        what = "nothing was recovered: the cluster is the one that the repository holds"
        return Finding("recovery", "info", what)
    told = json.loads(seen["texts"][REPLACEMENT])
    what = (
        f"recovered from {told['set']} in repository {told['repository']}, WAL up to {told['lsn']}"
    )
    # In a cluster that nobody used since its backup there is none.
    if told["time"]:
        what += f", the last commit at {written(datetime.fromtimestamp(told['time'], UTC))}"
    return Finding("recovery", "ok", what, f"guest, server and data took {seconds:.0f} s")


def _secrets(declaration: Declaration, watcher: Watcher, *, check: bool) -> Mapping[str, Any]:
    """Make the secrets that are missing; return those that no vault file holds.

    A check writes no vault file; what it would have made is told to Ansible alone.
    """
    secret, made = vault.complete(declaration, write=not check)
    if check:
        return secret.variables() if made else {}
    if made:
        watcher.say(f"made: {', '.join(made)}")
    write_authority(declaration.environment.name, secret.authority.certificate)
    return {}


def _pin_repository_hosts(declaration: Declaration) -> None:
    """Pin the host keys of the hosts that keep the server's backups, as their hypervisor tells.

    One that runs and tells no key is left to the role that wants to speak to it, which says more.
    """
    client = proxmox.connect(declaration.environment.proxmox, declaration.inventory)
    known = shell.known_hosts_file(declaration.environment.name)
    for host in declaration.repository_hosts:
        with suppress(UnreachableError):
            client.pin_host_key(host, known, is_new=False)


def play(
    wanted: runner.PlaybookRun,
    run: rundir.RunDirectory,
    see: Callable[[Event], None],
    *,
    started: Callable[[int], None],
) -> _Ran:
    """Run a playbook to its end, keeping every event.

    Raises:
        LabdbError: it failed; the message is the failing task's own, and so is the class
            where a module of ours failed.
    """
    ran = _Ran()
    for event in runner.run(wanted, started=started):
        run.append(event)
        ran.take(event)
        see(event)
    if ran.end is None or ran.end.rc != 0:
        raise _failure(ran, run.path)
    return ran


def play_alone(  # noqa: PLR0913  # what a command of one playbook is made of
    declaration: MachineDeclaration,
    playbook: str,
    variables: Mapping[str, Any],
    watcher: Watcher,
    *,
    command: str,
    summary: Callable[[int], str],
    tags: tuple[str, ...] = (),
) -> Report:
    """Run one playbook under the machine's lock and report it; *summary* gets the changes' number.

    With *tags*, only tasks that have one of them are run.

    Raises:
        RefusedError: somebody else is at work on the machine.
        RunError: the playbook failed; the message is the failing task's own.
    """
    environment, name = declaration.environment.name, declaration.machine.name
    with rundir.lock(environment, name) as held:
        run = rundir.new(environment, name)
        begin = time.monotonic()
        wanted = runner.PlaybookRun(
            playbook=playbook,
            inventory=declaration.inventory,
            limit=name,
            vault_key=vault.key(declaration),
            variables=variables,
            tags=tags,
        )
        ran = play(wanted, run, watcher.see, started=held.note_playbook)
        report = Report(
            command,
            name,
            summary(len(ran.changed)),
            phases=(Phase("playbook", round(time.monotonic() - begin, 3)),),
            data={"changed_tasks": len(ran.changed), "run_directory": str(run.path)},
        )
        run.write("report", report.to_dict())
        return report


def _summary(
    declaration: MachineDeclaration, ran: _Ran, findings: Sequence[Finding], *, check: bool
) -> str:
    name, count = declaration.machine.name, len(ran.changed)
    tasks = f"{count} of {len(ran.finished)} tasks"
    if check:
        return (
            f"checked: {tasks} would change {name}" if count else f"checked: {name} is as declared"
        )
    problems = sum(finding.is_problem for finding in findings)
    what = f"{name} was as declared, nothing changed" if not count else f"{tasks} changed {name}"
    if problems:
        return (
            f"{what}; {problems} {'finding needs' if problems == 1 else 'findings need'} attention"
        )
    return f"{what}; verified"


def _left(findings: Sequence[Finding], *, check: bool) -> list[Finding]:
    """Return what the plan found and a run leaves; verification judges what it mends."""
    mended = () if check else MENDED
    return [item for item in findings if item.severity != "ok" and item.check not in mended]


def _unchecked() -> Finding:
    return Finding(
        "check",
        "info",
        "only the guest was checked",
        "what happens inside a guest cannot be checked before it exists and answers",
        "after the first provision a check covers everything",
    )


def _refusal(blockers: Sequence[Finding]) -> RefusedError:
    return RefusedError(
        "; ".join(finding.what for finding in blockers),
        why="; ".join(finding.why for finding in blockers if finding.why),
        hint="; ".join(dict.fromkeys(finding.hint for finding in blockers if finding.hint)),
    )


def _own_error(told: Mapping[str, str], hint: str) -> LabdbError:
    """Return the error that a module of ours told, as the class that its code stands for."""
    classes = {error.code: error for error in LabdbError.__subclasses__()}
    error = classes.get(told.get("code", ""), RunError)
    return error(told.get("what", ""), why=told.get("why", ""), hint=told.get("hint", "") or hint)


def _failure(ran: _Ran, path: Path) -> LabdbError:
    hint = f"mend it and run again: what is done stays done; events: {path / 'events.jsonl'}"
    if ran.failed:
        task = ran.failed[-1]
        if task.error:
            return _own_error(task.error, hint)
        where = f"{task.role}: {task.task}".removeprefix(": ")
        verb = "could not reach the guest" if task.status == "unreachable" else "failed"
        why = " ".join(task.message.split()) or (ran.end.message if ran.end else "")
        return RunError(f"{where} {verb}", why=why, hint=hint)
    why = ran.end.message if ran.end else "it ended without a word"
    return RunError("the playbook failed before its first task", why=why, hint=hint)
