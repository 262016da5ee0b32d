"""What the API says when it refuses, put into labdb's own errors: the one translation point.

The texts are Proxmox VE's own; a translation never hides them, they stand in ``why``.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from labdb.domain.desired import DesiredGuest
from labdb.domain.privileges import remedy
from labdb.errors import LabdbError, RefusedError, RunError, UnreachableError

CONTENTION = re.compile(r"can't lock file .* - got timeout|got lock request timeout")
LOCKED = re.compile(r"VM is locked \(([a-z-]+)\)")
CONFLICT = re.compile(r"file changed? by other user|detected modified configuration")
TAKEN = re.compile(r"unable to create VM (\d+).*(?:config file )?already exists", re.DOTALL)
MISSING_RIGHT = re.compile(r"Permission check failed \(([^,)]+), ([^)]+)\)")
NO_QUORUM = re.compile(r"no quorum")
NO_AGENT = re.compile(
    r"No QEMU guest agent configured|VM \d+ is not running|guest agent is not running"
    r"|guest-ping.* failed|got timeout"
)
NO_SUCH_GUEST = re.compile(r"Configuration file '.*' does not exist")
OWN_LOG = "the node's own log may say more: journalctl -u pvedaemon -u pveproxy"
KIND = 5
"""Where a UPID, ``UPID:node:pid:pstart:starttime:type:id:user:``, has the type of its task."""
NODE_DOWN = range(595, 600)
UNAUTHENTICATED, FORBIDDEN, BAD_REQUEST = 401, 403, 400


class ApiError(Exception):
    """The API answered with an error; *text* is its own message."""

    def __init__(
        self, status: int, text: str, *, request: str, fields: dict[str, str] | None = None
    ) -> None:
        super().__init__(text)
        self.status = status
        self.text = text.strip()
        self.request = request
        self.fields = fields or {}


class TaskError(Exception):
    """A task ended with something else than OK; *log* is the end of what it wrote."""

    def __init__(self, upid: str, text: str, log: tuple[str, ...]) -> None:
        super().__init__(text)
        self.upid = upid
        parts = upid.split(":")
        self.kind = parts[KIND] if len(parts) > KIND + 1 else "task"
        self.text = text.strip()
        self.log = log


class StaleError(Exception):
    """What was observed no longer holds, or an answer was lost: look again, then go on."""


@contextmanager
def explained(token_id: str, host: str, wanted: DesiredGuest | None = None) -> Iterator[None]:
    """Turn what the API says inside the block into an error for the operator.

    Args:
        token_id: the token, for the commands that give it a right.
        host: the API.
        wanted: the guest that it is about, if any.

    Raises:
        UnreachableError: the token is refused or lacks a right, a node is down, no quorum.
        RefusedError: somebody else changed the guest, or took its VMID.
        RunError: anything else that failed, in the API's own words.
    """
    try:
        yield
    except ApiError as error:
        raise explain(error, token_id, host, wanted) from error
    except TaskError as error:
        raise explain_task(error) from error


def explain(
    error: ApiError, token_id: str, host: str, wanted: DesiredGuest | None = None
) -> LabdbError:
    """Return *error* as what, why and hint."""
    fields = "; ".join(f"{name}: {text}" for name, text in sorted(error.fields.items()))
    why = " ".join(part for part in (error.text, fields) if part)
    if error.status in (UNAUTHENTICATED, FORBIDDEN) or MISSING_RIGHT.search(error.text):
        return _explain_token(error, token_id, host, why, wanted)
    if error.status in NODE_DOWN:
        return UnreachableError(
            f"a node of the cluster does not answer ({error.request})",
            why=why,
            hint="see that the node is up and in the cluster: `pvecm nodes`",
        )
    return _explain_text(error.text, why) or RunError(
        f"Proxmox VE refused {error.request}", why=why, hint=OWN_LOG
    )


def _explain_token(
    error: ApiError, token_id: str, host: str, why: str, wanted: DesiredGuest | None
) -> UnreachableError:
    if match := MISSING_RIGHT.search(error.text):
        path, name = match[1], match[2].split("|", maxsplit=1)[0].strip()
        return UnreachableError(
            f"the API token {token_id} lacks the privilege {name} on {path}",
            why=why,
            hint=remedy(token_id, path, name, wanted),
        )
    if error.status == FORBIDDEN:
        hint = "the privileges that it needs: docs/reference/token-privileges.md"
        return UnreachableError(f"the API token {token_id} may not do this", why=why, hint=hint)
    return UnreachableError(
        f"Proxmox VE at {host} refuses the API token {token_id}",
        why=why,
        hint=f"the secret is wrong, or the token is expired or removed: "
        f"see `pveum user token list {token_id.partition('!')[0]}`",
    )


def explain_task(error: TaskError) -> LabdbError:
    """Return a failed task with its own reason; the end of its log goes into the hint."""
    log = " | ".join(line for line in error.log if error.text not in line)
    hint = f"log of {error.upid}: {log}" if log else f"the whole log: task {error.upid}"
    return _explain_text(error.text, error.text) or RunError(
        f"the Proxmox VE task {error.kind} failed", why=error.text, hint=hint
    )


def _explain_text(text: str, why: str) -> LabdbError | None:
    if CONFLICT.search(text):
        return RefusedError(
            "somebody else changed the VM while labdb was at work; nothing was overwritten",
            why=why,
            hint="run `labdb plan` again and look at the differences",
        )
    if match := TAKEN.search(text):
        return RefusedError(
            f"the VMID {match[1]} was taken in the meantime",
            why=why,
            hint="declare another guest.vmid, or wait for the other provisioning to end",
        )
    if NO_QUORUM.search(text):
        return UnreachableError(
            "the Proxmox VE cluster has no quorum, so it accepts no change",
            why=why,
            hint="bring the other nodes back: `pvecm status` on any node shows who is missing",
        )
    if CONTENTION.search(text):
        return RunError(
            "Proxmox VE could not get a lock, several times over",
            why=why,
            hint="another task holds it; run again when that task has ended",
        )
    return None
