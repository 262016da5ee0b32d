"""Ask PostgreSQL inside a guest, over SSH, whether or not its host key is pinned already."""

from collections.abc import Sequence
from contextlib import ExitStack
from typing import Any

from labdb.adapters import proxmox, shell
from labdb.adapters.content import query
from labdb.adapters.inventory import Declaration, MachineDeclaration
from labdb.domain.guest_config import is_unfinished
from labdb.domain.known_hosts import is_known, pin
from labdb.errors import UnreachableError
from labdb.facts import GuestState


def ask(
    declaration: MachineDeclaration,
    state: GuestState,
    client: proxmox.Proxmox,
    names: Sequence[str] = (),
    *,
    files: Sequence[str] = (),
) -> dict[str, Any]:
    """Return what the guest says; its host key must be the one that the hypervisor tells.

    Args:
        declaration: the machine.
        state: the guest as the hypervisor sees it.
        client: a connection to the hypervisor's API.
        names: queries, which superuser postgres asks a server in database postgres.
        files: paths; the answer tells whether each exists.

    Raises:
        RefusedError: it had another host key until now.
        UnreachableError: it does not answer, or nobody knows its host key.
    """
    guest = shell.guest_of(declaration)
    key = client.host_key(state.node, state.vmid)
    wanted: dict[str, Any] = {"files": list(files)}
    if isinstance(declaration, Declaration):
        wanted["port"] = declaration.server.postgresql.port
        wanted["queries"] = [
            {"name": name, "database": "postgres", "sql": query(name)} for name in names
        ]
    with ExitStack() as stack:
        if _is_pinned(guest):
            # A guest that an interrupted run was making may have had another one.
            if key is not None and not is_unfinished(state):
                known = guest.known_hosts
                text = known.read_text(encoding="utf-8")
                pin(text, guest.address, key, is_new=False, file=str(known))
        elif key is not None:
            guest = stack.enter_context(shell.with_host_key(guest, key))
        else:
            raise UnreachableError(
                f"the SSH host key of {guest.address} is not known",
                why="the guest agent does not tell it",
                hint="in the guest: apt install qemu-guest-agent",
            )
        return shell.probe(guest, wanted)


def _is_pinned(guest: shell.Guest) -> bool:
    if not guest.known_hosts.is_file():
        return False
    return is_known(guest.known_hosts.read_text(encoding="utf-8"), guest.address)
