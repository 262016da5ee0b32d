"""Look at everything, change nothing, and say what a provision would do."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from labdb.adapters import proxmox
from labdb.adapters.inventory import (
    Declaration,
    MachineDeclaration,
    RepositoryHostDeclaration,
    storing,
)
from labdb.domain import preflight
from labdb.domain.backup.policy import policy_findings
from labdb.domain.connection_findings import connection_findings
from labdb.domain.drift import RunningParameter, parameter_changes, set_by_hand
from labdb.domain.guest import GuestPlan, plan_guest
from labdb.domain.health import answer, service
from labdb.domain.memory_finding import memory_findings
from labdb.domain.repository_budget import host_findings, room_finding, space_rows
from labdb.domain.repository_findings import repository_findings
from labdb.domain.role_drift import access_differences
from labdb.domain.second_copy import copy_finding
from labdb.domain.storage_budget import storage_findings
from labdb.domain.tuning import Inputs, tune
from labdb.domain.variables import postgresql_parameters
from labdb.errors import RefusedError, UnreachableError
from labdb.facts import AccessState, ClusterState
from labdb.operations.look import ask
from labdb.operations.object_stores import object_stores
from labdb.operations.package_source import PackageSource
from labdb.report import Change, Effect, Finding, Phase, Report

Say = Callable[[str], None]
UNSEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Allowed:
    """What the operator allowed by name; nothing of it happens by itself."""

    rerun_cloud_init: bool = False
    restart_guest: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The report for people, and what a provision has to know besides."""

    report: Report
    blockers: tuple[Finding, ...] = ()
    is_new: bool = False
    guest_answers: bool = False


@dataclass(frozen=True, slots=True)
class _Database:
    """What was seen of PostgreSQL: *running* rows of pg_settings, or why there are none."""

    running: tuple[RunningParameter, ...] = ()
    access: AccessState | None = None
    findings: tuple[Finding, ...] = ()
    answers: bool = False
    absent: bool = False


def plan(
    declaration: MachineDeclaration,
    *,
    offline: bool = False,
    allowed: Allowed | None = None,
    say: Say = lambda _: None,
) -> Plan:
    """Return what a provision would do.

    Args:
        declaration: the machine, its environment and its inventory.
        offline: compute from the declaration alone; ask nobody.
        allowed: what the operator allowed by name.
        say: takes one line for each thing that is looked at.

    Raises:
        DeclarationError: the declaration asks for what cannot be.
        UnreachableError: the Proxmox API does not answer, or refuses the token.
        TypeError: there is no plan for a machine of that kind.
    """
    begin, given = time.monotonic(), allowed or Allowed()
    match declaration:
        case Declaration():
            return _plan_server(declaration, begin, given, say, offline=offline)
        case RepositoryHostDeclaration():
            return _plan_repository_host(declaration, begin, given, say, offline=offline)
        case _:
            raise TypeError(f"{type(declaration).__name__} has no plan")


def _plan_repository_host(
    declaration: RepositoryHostDeclaration,
    begin: float,
    allowed: Allowed,
    say: Say,
    *,
    offline: bool,
) -> Plan:
    host = declaration.machine
    who = storing(declaration.inventory, host)
    space, data = host_findings(host, who), {"space": space_rows(host, who)}
    if offline:
        summary = "its space was computed from the declarations; nobody was asked"
        report = replace(_report(declaration, summary, data, begin), findings=space)
        return Plan(report, preflight.blockers(space))
    state, guest, client = _look_at_guest(declaration, allowed, say)
    findings = (
        *preflight.check(host, state),
        *guest.findings,
        *guest.refusals,
        *_withheld(guest),
        *space,
    )
    blockers = preflight.blockers(findings)
    report = replace(
        _report(declaration, _summary(guest.changes, blockers, ""), data, begin),
        changes=guest.changes,
        findings=findings,
    )
    return Plan(report, blockers, guest.creates, _answers(declaration, state, client))


def _answers(declaration: MachineDeclaration, state: ClusterState, client: proxmox.Proxmox) -> bool:
    """Tell whether the guest can be looked into."""
    if state.guest is None or not state.guest.running:
        return False
    try:
        ask(declaration, state.guest, client)
    except (RefusedError, UnreachableError):
        return False
    return True


def _plan_server(
    declaration: Declaration, begin: float, allowed: Allowed, say: Say, *, offline: bool
) -> Plan:
    parameters = postgresql_parameters(declaration.server)
    data: dict[str, Any] = {"parameters": [_row(item) for item in parameters]}
    if offline:
        summary = f"{len(parameters)} parameters computed from the declaration; nobody was asked"
        return Plan(_report(declaration, summary, data | {"postgresql": "not asked"}, begin))
    say("package repository")
    package_source = PackageSource(declaration.server.postgresql.repository)
    state, guest, client = _look_at_guest(declaration, allowed, say)
    say("PostgreSQL")
    database = _look_at_database(declaration, state, client)
    changes = guest.changes
    by_hand: tuple[Finding, ...] = ()
    if database.running:
        differing, by_hand = set_by_hand(
            parameter_changes(parameters, database.running), database.running
        )
        changes += differing
        if database.access is not None:
            changes += _access_changes(declaration, database.access)
    elif database.absent:
        changes += (_new_cluster(declaration),)
    checks = preflight.check(declaration.server, state)
    findings = [*checks, *guest.findings, *guest.refusals, *database.findings, *by_hand]
    findings += [*_withheld(guest), *storage_findings(declaration.server)]
    findings += memory_findings(tune(Inputs.of(declaration.server)).budget)
    findings += connection_findings(declaration.server)
    findings += policy_findings(declaration.server)
    findings += repository_findings(declaration.server, declaration.repository_hosts, state)
    findings += [copy_finding(declaration.server), *_rooms(declaration)]
    findings += object_stores(declaration)
    if database.absent:
        findings.append(package_source.result())
    blockers = tuple(preflight.blockers(tuple(findings)))
    data["postgresql"] = _word_for(database)
    data["withheld"] = [asdict(change) for change in guest.withheld]
    report = replace(
        _report(declaration, _summary(changes, blockers, data["postgresql"]), data, begin),
        changes=changes,
        findings=tuple(findings),
    )
    return Plan(report, blockers, guest.creates, database.answers)


def _rooms(declaration: Declaration) -> Iterator[Finding]:
    """Yield whether each repository host has room for the server; one must have let it in."""
    for host in declaration.repository_hosts:
        who = storing(declaration.inventory, host)
        if declaration.server.name in {server.name for server in who.servers}:
            yield room_finding(declaration.server, host, who)


def _look_at_guest(
    declaration: MachineDeclaration, allowed: Allowed, say: Say
) -> tuple[ClusterState, GuestPlan, proxmox.Proxmox]:
    machine, environment = declaration.machine, declaration.environment
    keys = proxmox.read_authorized_keys(
        machine.guest.cloud_init.authorized_key_files, declaration.inventory
    )
    say("Proxmox VE")
    client = proxmox.connect(environment.proxmox, declaration.inventory)
    state = client.observe(machine, probe=environment.probe_addresses)
    guest = plan_guest(
        machine,
        state,
        keys,
        allow_cloud_init_rerun=allowed.rerun_cloud_init,
        allow_restart=allowed.restart_guest,
    )
    return state, guest, client


def _look_at_database(
    declaration: Declaration, state: ClusterState, client: proxmox.Proxmox
) -> _Database:
    """Read the running parameters from inside the guest; only a running guest is asked."""
    if state.guest is None or not state.guest.running:
        return _Database(absent=state.guest is None)
    if not declaration.environment.probe_addresses:
        return _Database(findings=(unseen("addresses are not probed (probe_addresses)"),))
    try:
        there = f"{declaration.server.postgresql.data_directory}/PG_VERSION"
        seen = ask(declaration, state.guest, client, ("settings", "roles"), files=(there,))
    except RefusedError as error:
        changed = Finding("host key", "critical", error.what, error.why, error.hint)
        return _Database(findings=(changed,))
    except UnreachableError as error:
        return _Database(findings=(unseen(f"{error.what}: {error.why}", error.hint),))
    rows = answer(seen, "settings")
    if rows is None:
        has_data = any(seen["files"].values())
        found = (_silent(declaration, seen["queries"]["settings"]["error"]),) if has_data else ()
        return _Database(findings=found, answers=True, absent=not has_data)
    running = tuple(RunningParameter(**row) for row in rows)
    told = answer(seen, "roles")
    access = None if told is None else AccessState.of(told)
    return _Database(running=running, access=access, findings=_pending(running), answers=True)


def _access_changes(declaration: Declaration, access: AccessState) -> tuple[Change, ...]:
    """Return what becomes of roles and databases, those of the projects among them."""
    return tuple(
        Change(one.subject, one.field, one.running, one.declared, one.effect, one.reason)
        for one in access_differences(declaration.server, access)
    )


def _silent(declaration: Declaration, why: str) -> Finding:
    what = "PostgreSQL is there and does not answer"
    hint = f"journalctl -u {service(declaration.server)}; labdb provision starts it"
    return Finding("postgresql", "warning", what, why, hint)


def _withheld(guest: GuestPlan) -> tuple[Finding, ...]:
    if not guest.withheld:
        return ()
    names = ", ".join(change.field for change in guest.withheld)
    why = "with new SSH host keys at the next boot, so it is done only when asked for"
    hint = "labdb provision --allow-cloud-init-rerun"
    return (Finding("cloud-init", "info", f"not changed by itself: {names}", why, hint),)


def _pending(rows: Sequence[RunningParameter]) -> tuple[Finding, ...]:
    waiting = [row.name for row in rows if row.pending_restart]
    if not waiting:
        return ()
    what = f"PostgreSQL waits for a restart: {', '.join(waiting)}"
    return (Finding("restart", "warning", what, hint="provision restarts it"),)


def unseen(why: str, hint: str = "") -> Finding:
    """Return the finding that nothing is known of PostgreSQL, and why."""
    return Finding("postgresql", "info", "PostgreSQL was not looked at", why, hint)


def _new_cluster(declaration: Declaration) -> Change:
    wanted = declaration.server.postgresql
    after = f"PostgreSQL {wanted.major} in {wanted.data_directory}"
    return Change("postgresql", f"cluster {wanted.cluster}", None, after, Effect.CREATE)


def _row(item: Any) -> dict[str, str]:
    return {
        "name": item.name,
        "value": item.value,
        "context": item.context,
        "reason": item.reason,
    }


def _word_for(database: _Database) -> str:
    if database.running:
        return "running"
    return "absent" if database.absent else UNSEEN


def _summary(changes: Sequence[Change], blockers: Sequence[Finding], postgresql: str) -> str:
    if blockers:
        return f"refused: {blockers[0].what}"
    if not changes:
        unseen = "; PostgreSQL was not looked at" if postgresql == UNSEEN else ""
        return f"nothing to do{unseen}"
    counts = Counter(change.effect for change in changes)
    parts = ", ".join(f"{counts[effect]} {effect}" for effect in Effect if counts[effect])
    return f"{len(changes)} {'change' if len(changes) == 1 else 'changes'}: {parts}"


def _report(
    declaration: MachineDeclaration, summary: str, data: dict[str, Any], begin: float
) -> Report:
    return Report(
        command="plan",
        server=declaration.machine.name,
        summary=summary,
        phases=(Phase("plan", round(time.monotonic() - begin, 3)),),
        data=data,
    )
