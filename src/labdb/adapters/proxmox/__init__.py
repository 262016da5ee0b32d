"""The one door to the Proxmox VE API: connect, observe, converge, pin the host key."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from labdb.adapters.proxmox.converge import Convergence, Options, Outcome
from labdb.adapters.proxmox.failures import FORBIDDEN, ApiError, explained
from labdb.adapters.proxmox.observe import observe
from labdb.adapters.proxmox.removal import Removal, RemovalPlan
from labdb.adapters.proxmox.session import Session, open_session
from labdb.adapters.proxmox.template import TemplateBuild
from labdb.domain.desired import DesiredGuest
from labdb.domain.known_hosts import Pin, is_known, pin
from labdb.domain.property_string import key_lines
from labdb.domain.template import DesiredTemplate
from labdb.errors import DeclarationError, UnreachableError
from labdb.facts import ClusterState
from labdb.paths import expand
from labdb.spec import Machine, ProxmoxApi

__all__ = ["Options", "Outcome", "Proxmox", "RemovalPlan", "connect", "read_authorized_keys"]

HOST_KEY = "/etc/ssh/ssh_host_ed25519_key.pub"


class Proxmox:
    """A connection to the API of one cluster."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def observe(self, machine: Machine | DesiredGuest, *, probe: bool = False) -> ClusterState:
        """Collect everything that preflight and plan look at.

        Args:
            machine: the declaration.
            probe: ask the network too whether a new guest's address is free.

        Raises:
            UnreachableError: the API does not answer, or refuses the token.
        """
        wanted = DesiredGuest.of(machine)
        with self._explained(wanted):
            return observe(self.session, wanted, probe=probe)

    def look(
        self, machine: Machine | DesiredGuest, keys: Sequence[str], options: Options
    ) -> Outcome:
        """Return what :meth:`converge` would do; nothing is changed."""
        wanted = DesiredGuest.of(machine)
        with self._explained(wanted):
            return Convergence(self.session, wanted, keys, options).look()

    def converge(
        self, machine: Machine | DesiredGuest, keys: Sequence[str], options: Options
    ) -> Outcome:
        """Make the guest what *machine* declares, and return what was done.

        Raises:
            RefusedError: preflight or plan forbid it, or somebody else is at work.
            RunError: a task failed, in its own words.
            UnreachableError: the API does not answer, or refuses the token.
        """
        wanted = DesiredGuest.of(machine)
        with self._explained(wanted):
            return Convergence(self.session, wanted, keys, options).run()

    def removal(self, machine: Machine | DesiredGuest) -> Removal:
        """Return the way to take the guest away, in two steps."""
        wanted = DesiredGuest.of(machine)
        return Removal(self.session, wanted, partial(self._explained, wanted))

    def template(self, wanted: DesiredTemplate) -> TemplateBuild:
        """Return the way to build a template from a cloud image."""
        return TemplateBuild(self.session, wanted, self._explained)

    def host_key(self, node: str, vmid: int, *, tries: int = 1) -> str | None:
        """Return the guest's SSH host key as its agent reads it; None when it cannot.

        A guest that has just started makes its key a moment later: *tries*, 1 s apart.
        """
        path = f"nodes/{node}/qemu/{vmid}/agent/file-read"
        for left in reversed(range(tries)):
            try:
                content = self.session.get(path, file=HOST_KEY).get("content", "")
            except ApiError as error:
                if error.status == FORBIDDEN or not left:
                    return None
            else:
                return str(content).strip() or None
            self.session.sleep(1.0)
        return None

    def pin_host_key(
        self, machine: Machine | DesiredGuest, known_hosts: Path, *, is_new: bool, dry: bool = False
    ) -> bool:
        """Put the guest's host key into *known_hosts*; tell whether the file changes.

        Raises:
            RefusedError: the guest is known by another key.
            UnreachableError: the key cannot be read and none is known.
        """
        wanted = DesiredGuest.of(machine)
        text = known_hosts.read_text(encoding="utf-8") if known_hosts.is_file() else ""
        with self._explained(wanted):
            key = self.host_key(wanted.node, wanted.vmid, tries=60 if is_new else 1)
        if key is None:
            if is_known(text, wanted.network.host):
                return False
            raise UnreachableError(
                f"the SSH host key of {wanted.network.host} cannot be read through the API",
                why="the guest agent does not answer, or the token lacks VM.GuestAgent.FileRead",
                hint=f"install qemu-guest-agent there, or put the key you trust into {known_hosts}",
            )
        result: Pin = pin(text, wanted.network.host, key, is_new=is_new, file=str(known_hosts))
        if result.changed and not dry:
            known_hosts.parent.mkdir(parents=True, exist_ok=True)
            fresh = known_hosts.with_name(known_hosts.name + ".new")
            fresh.write_text(result.text, encoding="utf-8")
            fresh.replace(known_hosts)
        return result.changed

    def _explained(self, wanted: DesiredGuest | None = None) -> AbstractContextManager[None]:
        return explained(self.session.token_id, self.session.host, wanted)


def connect(
    api: ProxmoxApi, inventory_dir: Path, say: Callable[[str], None] = lambda _: None
) -> Proxmox:
    """Return a connection; the token's secret comes from its file or PROXMOX_TOKEN_SECRET.

    Args:
        api: how to reach the API.
        inventory_dir: what relative paths in *api* are relative to.
        say: takes one line for each step that is done.

    Raises:
        DeclarationError: there is no secret, or the CA file is missing.
    """
    session = open_session(api, inventory_dir)
    session.say = say
    return Proxmox(session)


def read_authorized_keys(files: Sequence[str], inventory_dir: Path) -> tuple[str, ...]:
    """Return the public keys in *files* (as declared), in their order, each once.

    Raises:
        DeclarationError: a file cannot be read, or holds no public key.
    """
    keys: list[str] = []
    for name in files:
        path = expand(name, relative_to=inventory_dir)
        try:
            found = key_lines(path.read_text(encoding="utf-8").splitlines())
        except (OSError, UnicodeDecodeError) as error:
            raise DeclarationError(
                f"the authorized key file {path} cannot be read",
                why=str(error),
                hint="name a public key in authorized_key_files; ssh-keygen -t ed25519 makes one",
            ) from error
        if not found or any("PRIVATE KEY" in line for line in found):
            raise DeclarationError(
                f"{path} holds no public key", hint="name the file that ends in .pub"
            )
        keys += found
    return tuple(dict.fromkeys(keys))
