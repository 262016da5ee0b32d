"""Look at a running machine and show it on one screen."""

import time
from typing import Any

from labdb.adapters import proxmox, shell
from labdb.adapters.inventory import (
    Declaration,
    MachineDeclaration,
    RepositoryHostDeclaration,
)
from labdb.domain.desired import DesiredGuest
from labdb.domain.guest_findings import guest_findings
from labdb.errors import UnreachableError
from labdb.facts import ClusterState
from labdb.operations import repository_host_status, server_status
from labdb.operations.disk_history import remember
from labdb.operations.machine_status import Look
from labdb.report import Finding, Phase, Report
from labdb.size import human_size


def status(declaration: MachineDeclaration) -> Report:
    """Return how the machine is: its guest, and what runs or lies in it.

    Raises:
        UnreachableError: the Proxmox API does not answer, or refuses the token.
        TypeError: nobody knows what to ask a machine of that kind.
    """
    begin = time.monotonic()
    machine, look = declaration.machine, _look(declaration)
    state = proxmox.connect(declaration.environment.proxmox, declaration.inventory).observe(machine)
    screen = {"guest": _guest(declaration, state)}
    findings: tuple[Finding, ...] = ()
    if state.guest is not None:
        findings = guest_findings(DesiredGuest.of(machine), state.guest)
    data: dict[str, Any] = {"screen": screen}
    if state.guest is None or not state.guest.running:
        said = "does not exist" if state.guest is None else "is stopped"
        hint = f"labdb provision {machine.name}"
        findings += (Finding("guest", "critical", f"the guest {said}", hint=hint),)
    elif not declaration.environment.probe_addresses:
        why = "addresses are not probed (probe_addresses)"
        findings += (Finding("guest", "info", "the guest was not looked into", why),)
    else:
        try:
            seen = shell.probe(shell.guest_of(declaration), look.questions)
        except UnreachableError as error:
            findings += (Finding("guest", "critical", error.what, error.why, error.hint),)
        else:
            history = remember(declaration, seen)
            findings += look.judge(seen, history)
            screen |= look.screen(seen, history)
            data["seen"] = seen
    problems = sum(finding.is_problem for finding in findings)
    summary = f"{problems} to look at" if problems else "all is well"
    phases = (Phase("status", round(time.monotonic() - begin, 3)),)
    return Report("status", machine.name, summary, (), findings, phases, data)


def _look(declaration: MachineDeclaration) -> Look:
    match declaration:
        case Declaration():
            return server_status.look(declaration)
        case RepositoryHostDeclaration():
            return repository_host_status.look(declaration)
        case _:
            raise TypeError(f"{type(declaration).__name__} has no status")


def _guest(declaration: MachineDeclaration, state: ClusterState) -> str:
    wanted = declaration.machine.guest
    if state.guest is None:
        return f"VM {wanted.vmid} does not exist on {wanted.node}"
    power = "running" if state.guest.running else "stopped"
    return (
        f"VM {wanted.vmid} on {wanted.node}, {power}, {declaration.machine.address}, "
        f"{wanted.cpu.total} processors, {human_size(wanted.memory)} declared"
    )
