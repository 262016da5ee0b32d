"""The known_hosts file that labdb keeps: keys that came through the API, never from the wire."""

from dataclasses import dataclass

from labdb.errors import RefusedError

KEY_TYPE = "ssh-ed25519"


@dataclass(frozen=True, slots=True)
class Pin:
    """The file's new *text*, and whether it differs from the old one."""

    text: str
    changed: bool


def pin(text: str, host: str, public_key: str, *, is_new: bool, file: str = "known_hosts") -> Pin:
    """Return *text* with *public_key* for *host*.

    Args:
        text: the file as it is.
        host: address of the guest.
        public_key: one line, as the guest's own ``ssh_host_ed25519_key.pub`` has it.
        is_new: this run created the guest, so an older key belongs to a machine that is gone.
        file: where *text* comes from, for the message.

    Raises:
        RefusedError: the host is known by another key.
    """
    kind, body = public_key.split()[:2]
    lines = text.splitlines()
    known = [line for line in lines if _is_for(line, host, kind)]
    wanted = f"{host} {kind} {body}"
    if known == [wanted]:
        return Pin(text, changed=False)
    if known and not is_new:
        raise RefusedError(
            f"the SSH host key of {host} has changed",
            why="the guest was replaced, its cloud-init ran anew, or somebody sits in between",
            hint=f"if you know why, forget the old one: ssh-keygen -R {host} -f {file}",
        )
    kept = [line for line in lines if line not in known]
    return Pin("\n".join([*kept, wanted]) + "\n", changed=True)


def forget(text: str, host: str) -> Pin:
    """Return *text* without any key of *host*."""
    lines = text.splitlines()
    kept = [line for line in lines if line.split(maxsplit=1)[:1] != [host]]
    return Pin("".join(f"{line}\n" for line in kept), changed=kept != lines)


def is_known(text: str, host: str) -> bool:
    """Tell whether *text* holds a key for *host*."""
    return any(_is_for(line, host, KEY_TYPE) for line in text.splitlines())


def _is_for(line: str, host: str, kind: str) -> bool:
    parts = line.split()
    return len(parts) > 2 and parts[0] == host and parts[1] == kind  # noqa: PLR2004  # host, type, key
