"""The other end of the emulator: start one, and tell it what to do wrong.

Everything goes through the process border: HTTPS with a token for what a real cluster
would answer, a unix socket for what only an emulator can be told.
"""

import json
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from labdb.errors import RunError
from labdb.lab import cluster

READY_SECONDS = 60.0


class ControlError(RunError):
    """The emulator did not understand an order, or could not carry it out."""

    code = "lab-control"


@dataclass(frozen=True, slots=True)
class Control:
    """Orders to a running emulator; each returns once it is in force.

    =========================  =====================================================
    ``reset()``                the cluster file again, no faults, token valid
    ``fail(...)``              answer requests with an error, *times* times
    ``drop_connection_after``  carry the request out, then drop the connection
    ``clear()``                take those two kinds of fault away
    ``hold_config_lock``       the lock file is held ("can't lock file ... got timeout")
    ``lock`` / ``unlock``      the guest is locked (backup, migrate, clone, snapshot)
    ``lose_quorum``            writes fail; ``regain_quorum`` ends it
    ``node_offline``           requests for the node get 595
    ``expire_token``           401; ``renew_token`` ends it
    ``revoke`` / ``grant``     take a privilege from the token, give it back
    ``slow(seconds)``          every answer takes that long (0 ends it)
    ``agent(vmid, state)``     "off", "hangs" or "on"; ``agent_delay(seconds)`` after a start
    ``address``                what the agent reports, whatever was configured
    ``set_config``             somebody else edits the guest (None deletes a key)
    ``add_guest``              somebody else's guest appears
    ``fill_storage``           so many bytes are left
    ``checksum(url, sum)``     what a downloaded file's sum really is
    ``guest(vmid)``            the guest as the emulator holds it, or None
    =========================  =====================================================
    """

    path: Path

    def order(self, do: str, **arguments: Any) -> Any:
        """Send one order and return its result.

        Raises:
            ControlError: the emulator is not there or did not understand.
        """
        line = json.dumps({"do": do, **arguments}).encode() + b"\n"
        try:
            with socket.socket(socket.AF_UNIX) as link:
                link.connect(str(self.path))
                link.sendall(line)
                answer = json.loads(link.makefile().readline())
        except OSError as error:
            what = f"the emulator at {self.path} is not there"
            raise ControlError(what, why=str(error), hint="labdb lab up") from error
        if not answer["ok"]:
            what = f"the emulator refused the order {do!r}"
            raise ControlError(what, why=answer["error"], hint="see labdb.lab.control.Control")
        return answer["result"]

    def reset(self) -> None:
        """Return to the cluster file; no fault stays."""
        self.order("reset")

    def fail(  # noqa: PLR0913  # one keyword for each way to fail
        self, method: str, path: str, *, error: str | None = None, status: int | None = None,
        message: str | None = None, times: int | None = 1,
    ) -> None:  # fmt: skip
        """Fail the next *times* requests (None: all) whose path ends with *path*.

        *path* may be a schema template (``/nodes/{node}/qemu/{vmid}/clone``). Either
        *error* names one of :meth:`errors_for`, or *status* and *message* are given.
        """
        how = {"error": error, "status": status, "message": message}
        given = {key: value for key, value in how.items() if value is not None}
        self.order("fail", method=method, path=path, times=times, **given)

    def errors_for(self, method: str, path: str) -> list[str]:
        """Return the names of the errors that Proxmox VE knows for a concrete path."""
        names: list[str] = self.order("errors_for", method=method, path=path)
        return names

    def clear(self) -> None:
        """Take back what :meth:`fail` and :meth:`drop_connection_after` asked for."""
        self.order("clear")

    def drop_connection_after(self, method: str, path: str, *, times: int = 1) -> None:
        """Do what the request asks, then drop the connection instead of answering."""
        self.order("drop_connection_after", method=method, path=path, times=times)

    def hold_config_lock(self, vmid: int, *, seconds: float | None = None) -> None:
        """Hold the lock file of the guest for real *seconds*, or until released."""
        self.order("hold_config_lock", vmid=vmid, seconds=seconds)

    def release_config_lock(self, vmid: int) -> None:
        """Let the lock file go."""
        self.order("release_config_lock", vmid=vmid)

    def lock(self, vmid: int, kind: str = "backup", *, seconds: float | None = None) -> str:
        """Lock the guest as a backup (with a running task) does; return the task's UPID.

        ``clone`` and ``create`` leave the lock without a task, as an interrupted run does.
        """
        return str(self.order("lock", vmid=vmid, kind=kind, seconds=seconds))

    def unlock(self, vmid: int) -> None:
        """End the lock and its task."""
        self.order("unlock", vmid=vmid)

    def lose_quorum(self) -> None:
        """Make the cluster's configuration read-only."""
        self.order("lose_quorum")

    def regain_quorum(self) -> None:
        """Undo :meth:`lose_quorum`."""
        self.order("regain_quorum")

    def node_offline(self, node: str, *, offline: bool = True) -> None:
        """Take *node* off the network, or put it back."""
        self.order("node_offline", node=node, offline=offline)

    def expire_token(self) -> None:
        """Let the token run out."""
        self.order("expire_token")

    def renew_token(self) -> None:
        """Make the token valid again."""
        self.order("renew_token")

    def revoke(self, privilege: str) -> None:
        """Take *privilege* from the token, on every path."""
        self.order("revoke", privilege=privilege)

    def grant(self, privilege: str, path: str = "/") -> None:
        """Give the token *privilege* on *path*."""
        self.order("grant", privilege=privilege, path=path)

    def slow(self, seconds: float) -> None:
        """Let every answer take *seconds*."""
        self.order("slow", seconds=seconds)

    def time_scale(self, value: float) -> None:
        """Set the real seconds of one PVE second; 0 ends every task at once."""
        self.order("time_scale", value=value)

    def agent(self, vmid: int, state: str = "off") -> None:
        """Switch the guest agent "off", "on", or let it hang ("hangs")."""
        self.order("agent", vmid=vmid, state=state)

    def agent_delay(self, seconds: float) -> None:
        """Let agents answer only so many *seconds* after the next starts."""
        self.order("agent_delay", seconds=seconds)

    def address(self, vmid: int, address: str) -> None:
        """Let the agent report *address* (with prefix; empty: none) on the first card."""
        self.order("address", vmid=vmid, address=address)

    def set_config(self, vmid: int, **config: Any) -> None:
        """Change the guest behind everybody's back; ``None`` deletes a key."""
        self.order("set_config", vmid=vmid, config=config)

    def add_guest(
        self, vmid: int, name: str, *, node: str = "node06", running: bool = False,
        **config: Any,
    ) -> None:  # fmt: skip
        """Add somebody else's guest."""
        self.order("add_guest", vmid=vmid, name=name, node=node, running=running, config=config)

    def fill_storage(self, storage: str, *, free: int) -> None:
        """Leave *free* bytes on *storage*."""
        self.order("fill_storage", storage=storage, free=free)

    def storage_content(self, storage: str, content: str) -> None:
        """Set what *storage* may hold, for example without ``import``."""
        self.order("storage_content", storage=storage, content=content)

    def checksum(self, url: str, checksum: str) -> None:
        """Say what the sum of the file at *url* really is."""
        self.order("checksum", url=url, checksum=checksum)

    def guest(self, vmid: int) -> dict[str, Any] | None:
        """Return name, node, status, config, pending, lock, snapshots; or None."""
        found: dict[str, Any] | None = self.order("guest", vmid=vmid)
        return found


@dataclass(frozen=True, slots=True)
class EmulatedPve:
    """A running emulator: where it is, how to get in, and its controls."""

    host: str
    port: int
    url: str
    ca_file: Path
    token_id: str
    token_file: Path
    state: Path
    control: Control
    process: subprocess.Popen[str]

    @property
    def token_secret(self) -> str:
        """The secret of the token."""
        return self.token_file.read_text().strip()

    @property
    def headers(self) -> dict[str, str]:
        """The header that a plain HTTP client logs in with."""
        return {"Authorization": f"PVEAPIToken={self.token_id}={self.token_secret}"}

    def requests(self) -> list[dict[str, Any]]:
        """Return every request so far: method, path (template), path_params, params, status."""
        file = self.state / "requests.jsonl"
        if not file.exists():
            return []
        return [json.loads(line) for line in file.read_text().splitlines()]

    def forget_requests(self) -> None:
        """Start the record of requests anew."""
        (self.state / "requests.jsonl").unlink(missing_ok=True)

    def stop(self) -> None:
        """End the process; its guests stay."""
        self.process.terminate()
        self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()

    def __enter__(self) -> Self:
        """Return the emulator itself."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Stop it."""
        self.stop()


def start(
    state: Path, *, file: Path = cluster.DEFAULT, machines: str = "none", port: int = 0,
    options: Sequence[str] = (),
) -> EmulatedPve:  # fmt: skip
    """Start an emulator as a child of this process and wait until it answers.

    Raises:
        RunError: it ended, or was not ready in time; the reason is its own output.
    """
    command = [sys.executable, "-m", "labdb.lab.emulator", "--cluster", str(file), "--machines",
               machines, "--port", str(port), "--state", str(state), *options]  # fmt: skip
    state.mkdir(parents=True, exist_ok=True)
    log = (state / "emulator.log").open("w")
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True
    )
    watchdog = threading.Timer(READY_SECONDS, process.kill)
    watchdog.start()
    assert process.stdout is not None  # noqa: S101  # PIPE was asked for
    line = process.stdout.readline()
    watchdog.cancel()
    log.close()
    if not line:
        process.wait(timeout=10)
        process.stdout.close()
        why = (state / "emulator.log").read_text().strip().splitlines() or ["no reason given"]
        hint = f"all of it: {state / 'emulator.log'}"
        raise RunError("the emulated cluster did not start", why=why[-1], hint=hint)
    ready = json.loads(line)
    host, _, number = ready["ready"].removeprefix("https://").partition(":")
    return EmulatedPve(
        host=host, port=int(number), url=ready["ready"], ca_file=Path(ready["ca"]),
        token_id=ready["token"], token_file=Path(ready["token_file"]), state=state,
        control=Control(Path(ready["control"])), process=process,
    )  # fmt: skip
