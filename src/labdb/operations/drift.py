"""Find what is not as declared any more, and let the playbook mend it."""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from labdb.adapters import proxmox
from labdb.adapters.inventory import Declaration
from labdb.domain.client_drift import client_differences, client_findings
from labdb.domain.desired import DesiredGuest
from labdb.domain.drift import RunningParameter
from labdb.domain.guest import plan_guest
from labdb.domain.guest_drift import guest_differences
from labdb.domain.health import service
from labdb.domain.mending import Mending, mending
from labdb.domain.parameter_drift import (
    DROP_IN,
    Parameters,
    file_findings,
    folder,
    layout,
    parameter_differences,
)
from labdb.domain.role_drift import access_differences, beyond, beyond_differences, others
from labdb.domain.variables import postgresql_parameters
from labdb.errors import RefusedError, UnreachableError
from labdb.facts import AccessState, ClientRule, ClusterState, FileSetting, StoredSetting
from labdb.operations.look import ask
from labdb.operations.plan import Allowed, unseen
from labdb.operations.provision import GUEST_PLAYBOOK, PLAYBOOK, Watcher, play_alone
from labdb.report import Difference, Effect, Finding, Phase, Report

QUERIES = ("settings", "files", "roles", "clients")


@dataclass(frozen=True, slots=True)
class Drift:
    """The report for people, what would mend it, and what forbids that."""

    report: Report
    mending: Mending
    refusals: tuple[Finding, ...] = ()


@dataclass(frozen=True, slots=True)
class Options:
    """How to mend: what the operator allowed by name."""

    allowed: Allowed = field(default_factory=Allowed)
    restart_postgresql: bool = True


@dataclass(frozen=True, slots=True)
class _Inside:
    """What PostgreSQL told about itself."""

    parameters: Parameters
    access: AccessState
    clients: tuple[ClientRule, ...]


def drift(declaration: Declaration, say: Callable[[str], None] = lambda _: None) -> Drift:
    """Return every difference between the declaration and what is there; nothing is changed.

    Raises:
        DeclarationError: the declaration asks for what cannot be.
        UnreachableError: Proxmox VE, the guest or PostgreSQL does not answer.
    """
    begin = time.monotonic()
    server = declaration.server
    say("Proxmox VE")
    client = proxmox.connect(declaration.environment.proxmox, declaration.inventory)
    keys = proxmox.read_authorized_keys(
        server.guest.cloud_init.authorized_key_files, declaration.inventory
    )
    state = client.observe(server)
    plan = plan_guest(server, state, keys)
    rows = list(guest_differences(DesiredGuest.of(server), state, plan))
    findings = [*plan.refusals, *plan.findings]
    parameters: Parameters | None = None
    unplaced: tuple[StoredSetting, ...] = ()
    if state.guest is not None:
        say("PostgreSQL")
        if inside := _look_inside(declaration, state, client):
            parameters, unplaced = inside.parameters, beyond(server, inside.access.stored)
            rows += _inside_differences(declaration, inside, unplaced)
            findings += file_findings(parameters.files)
            findings += client_findings(inside.clients)
            findings += others(server, inside.access.stored)
        else:
            findings.append(unseen("addresses are not probed (probe_addresses)"))
    report = Report(
        "drift",
        server.name,
        _summary(rows, plan.refusals),
        tuple(row.change for row in rows),
        tuple(findings),
        (Phase("look", round(time.monotonic() - begin, 3)),),
        {"differences": [asdict(row) for row in rows]},
    )
    return Drift(report, mending(rows, parameters, unplaced), plan.refusals)


def mend(declaration: Declaration, options: Options, watcher: Watcher) -> Report:
    """Let the playbook mend what has drifted, and return what is left of it.

    Raises:
        RefusedError: the differences were not to be mended, or something forbids it.
        LabdbError: as for :func:`drift`, or the playbook failed.
    """
    found = drift(declaration, watcher.say)
    if not found.report.changes and not found.report.exit_code:
        return found.report
    if not watcher.agrees(found.report):
        raise RefusedError(
            "nothing was done: the differences were not to be mended",
            hint="declare what is to stay as it is, and look again",
        )
    if found.refusals:
        first = found.refusals[0]
        raise RefusedError(first.what, why=first.why, hint=first.hint)
    todo = found.mending
    ran = play_alone(
        declaration,
        PLAYBOOK if todo.is_inside else GUEST_PLAYBOOK,
        {
            "proxmox_guest_allow_cloud_init_rerun": options.allowed.rerun_cloud_init,
            "proxmox_guest_allow_restart": options.allowed.restart_guest,
            "postgresql_config_allow_restart": options.restart_postgresql,
            **todo.variables,
        },
        watcher,
        command="drift",
        summary=lambda changed: f"{changed} tasks changed {declaration.server.name}",
        tags=todo.roles,
    )
    return _after(found.report, ran, drift(declaration, watcher.say).report)


def _after(before: Report, ran: Report, after: Report) -> Report:
    left = len(after.changes)
    summary = f"{len(before.changes)} found, " + (f"{left} left" if left else "all mended")
    return Report(
        "drift",
        after.server,
        summary,
        after.changes,
        after.findings,
        (*before.phases, *ran.phases, *after.phases),
        after.data | ran.data | {"found": before.data["differences"]},
    )


def _look_inside(
    declaration: Declaration, state: ClusterState, client: proxmox.Proxmox
) -> _Inside | None:
    """Return what PostgreSQL tells about itself; None where addresses are not probed."""
    server = declaration.server
    if state.guest is None or not declaration.environment.probe_addresses:
        return None
    if not state.guest.running:
        raise UnreachableError(
            f"{server.name} cannot be asked: VM {server.guest.vmid} is stopped",
            hint=f"start it: labdb provision {server.name}; labdb plan shows what can be seen now",
        )
    answers = ask(declaration, state.guest, client, QUERIES)["queries"]
    failed = next((answer["error"] for answer in answers.values() if "error" in answer), None)
    if failed is not None:
        raise UnreachableError(
            f"PostgreSQL on {server.name} does not answer",
            why=str(failed),
            hint=f"on the guest: journalctl -u {service(server)}",
        )
    return _inside(declaration, {name: answer["ok"] for name, answer in answers.items()})


def _inside(declaration: Declaration, told: Mapping[str, Any]) -> _Inside:
    server = declaration.server
    return _Inside(
        parameters=Parameters(
            wanted=postgresql_parameters(server),
            layout=layout(server),
            drop_in=f"{folder(server)}/{DROP_IN}",
            running=tuple(RunningParameter(**row) for row in told["settings"]),
            files=tuple(FileSetting(**row) for row in told["files"]),
        ),
        access=AccessState.of(told["roles"]),
        clients=tuple(ClientRule(**row) for row in told["clients"]),
    )


def _inside_differences(
    declaration: Declaration, inside: _Inside, unplaced: Sequence[StoredSetting]
) -> tuple[Difference, ...]:
    server = declaration.server
    return (
        *parameter_differences(inside.parameters),
        *client_differences(server, inside.clients),
        *access_differences(server, inside.access),
        *beyond_differences(unplaced),
    )


def _summary(rows: Sequence[Difference], refusals: Sequence[Finding]) -> str:
    if not rows:
        return f"nothing to compare: {refusals[0].what}" if refusals else "as declared"
    counts = Counter(row.effect for row in rows)
    parts = ", ".join(f"{counts[effect]} {effect}" for effect in Effect if counts[effect])
    return f"{len(rows)} {'difference' if len(rows) == 1 else 'differences'}: {parts}"
