"""Take a guest away in two steps, each with its name typed."""

from labdb.adapters.inventory import MachineDeclaration
from labdb.operations.confirmation import must_name
from labdb.operations.provision import Watcher, play_alone
from labdb.report import Report

PLAYBOOK = "deprovision"
LEFT = {
    "retire": "the guest is stopped and unprotected, nothing is deleted; "
    "labdb provision brings it back",
    "destroy": "the guest and its disks are gone; backups outside of it remain",
}


def deprovision(
    declaration: MachineDeclaration, *, step: str, confirm_name: str, watcher: Watcher
) -> Report:
    """Do one *step*, retire or destroy.

    Raises:
        RefusedError: the typed name is not the machine's, or the guest is not in a state
            that the step may be done in.
        RunError: the playbook failed; the message is the failing task's own.
    """
    name = declaration.machine.name
    hint = f"labdb deprovision {name} --step {step} --confirm {name}"
    must_name(name, confirm_name, what=f"{step} is done", hint=hint)
    variables = {
        "proxmox_guest_removal_step": step,
        "proxmox_guest_removal_confirm_name": confirm_name,
    }
    return play_alone(
        declaration,
        PLAYBOOK,
        variables,
        watcher,
        command="deprovision",
        summary=lambda _: f"{step} done: {LEFT[step]}",
    )
