"""Requests and tasks: proxmoxer with retries, patience for locks, and true task errors."""

import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import proxmoxer
import requests

from labdb.adapters.proxmox.failures import (
    CONTENTION,
    LOCKED,
    NODE_DOWN,
    ApiError,
    StaleError,
    TaskError,
)
from labdb.errors import DeclarationError, RefusedError, RunError, UnreachableError
from labdb.paths import expand
from labdb.spec import ProxmoxApi

TIMEOUT = (5.0, 35.0)
"""Seconds to connect, and to answer: the API's own proxy gives up after 30."""
BACKOFF = (5.0, 10.0, 20.0, 40.0)
"""Seconds between tries when a lock is busy: PVE itself waits 10 s for one."""
LOG_LINES = 20
GUEST = re.compile(r"^nodes/([^/]+)/(?:qemu|lxc)/(\d+)")
LIMITS = {"qmclone": 1800.0, "download": 3600.0, "imgcopy": 1800.0, "qmcreate": 1800.0}
LIMIT = 300.0
ABANDONED = ("clone", "create")
"""Locks that outlive their task only when it was interrupted."""


class Session:
    """The API of one cluster; *pace* scales every wait (tests turn it down)."""

    def __init__(
        self, api: Any, *, host: str, token_id: str, say: Callable[[str], None] = lambda _: None
    ) -> None:
        self._api = api
        self.host = host
        self.token_id = token_id
        self.say = say
        self.pace = 1.0
        self.lock_timeout = 600.0

    def get(self, path: str, /, **parameters: Any) -> Any:
        """Return what *path* answers; lost connections and absent nodes are tried thrice.

        Raises:
            ApiError: the API refuses.
            UnreachableError: it does not answer, or its certificate is not trusted.
        """
        for pause in (0.3, 1.0, None):
            try:
                return self._send("GET", path, parameters)
            except requests.exceptions.SSLError as error:
                raise self._untrusted(error) from error
            except requests.exceptions.RequestException as error:
                if pause is None or isinstance(error, requests.exceptions.ConnectTimeout):
                    raise self._silent(error) from error
            except ApiError as error:
                if pause is None or error.status not in NODE_DOWN[1:]:
                    raise
            self.sleep(pause)
        raise AssertionError("unreachable")  # the last round returns or raises

    def change(self, method: str, path: str, /, **parameters: Any) -> None:
        """Ask for a change and wait for its task; busy locks are waited for, errors are final.

        Raises:
            ApiError: the API refuses.
            TaskError: the task ended with an error.
            StaleError: the answer was lost, or a lock was waited for: observe again.
            RefusedError: the guest stays locked longer than ``lock_timeout``.
        """
        for pause in (*BACKOFF, None):
            try:
                self._change_once(method, path, parameters)
            except (ApiError, TaskError) as error:
                if match := LOCKED.search(error.text):
                    self._outlive(path, match[1])
                    raise StaleError(error.text) from error
                if pause is None or not CONTENTION.search(error.text):
                    raise
                self.say(f"busy: {error.text}; trying again in {pause:.0f} s")
                self.sleep(pause)
            else:
                return

    def wait(self, upid: str) -> None:
        """Wait for a task.

        Raises:
            TaskError: it ended with an error; its last lines come along.
            RunError: it runs longer than such tasks should; it is left alone.
        """
        _, node, *_, kind = upid.split(":")[:6]
        longest = LIMITS.get(kind, LIMIT)
        limit = time.monotonic() + longest
        pause = 0.05
        while True:
            status = self.get(f"nodes/{node}/tasks/{upid}/status")
            if status["status"] == "stopped":
                break
            if time.monotonic() > limit:
                raise RunError(
                    f"the Proxmox VE task {kind} is still running after {longest:.0f} s",
                    why=f"it was left alone: {upid}",
                    hint="wait for it in the web interface, then run again",
                )
            self.sleep(pause)
            pause = min(pause * 1.6, 5.0)
        said = str(status.get("exitstatus", "unknown"))
        if said != "OK" and not said.startswith("WARNINGS"):
            raise TaskError(upid, said, self._log(node, upid))

    def active_task(self, node: str, vmid: int) -> dict[str, Any] | None:
        """Return a task that is at work on *vmid*, or None."""
        tasks = self.get(f"nodes/{node}/tasks", vmid=vmid, source="active")
        return next((task for task in tasks if not task.get("endtime")), None)

    def outlive_lock(self, node: str, vmid: int, lock: str) -> None:
        """Wait until *lock* is gone from the guest, saying which task holds it.

        Raises:
            RefusedError: it stays longer than ``lock_timeout``, or nobody will ever free it.
        """
        limit = time.monotonic() + self.lock_timeout
        pause, holder = 0.5, ""
        while True:
            task = self.active_task(node, vmid)
            if task is None and lock in ABANDONED:
                raise RefusedError(
                    f"VM {vmid} is locked ({lock}) and no task is at work on it",
                    why="an earlier provisioning was interrupted in the middle of that step",
                    hint=f"look at the VM, then free it on {node}: qm unlock {vmid}",
                )
            if task and task["type"] != holder:
                holder = str(task["type"])
                self.say(f"VM {vmid} is locked ({lock}) by {holder} of {task['user']}; waiting")
            if time.monotonic() > limit:
                raise RefusedError(
                    f"VM {vmid} is locked ({lock}), {self.lock_timeout:.0f} s long and still is",
                    why=f"held by task {holder} ({task['upid']})" if task else "no task holds it",
                    hint="wait for it to end and run again; labdb never breaks a lock",
                )
            self.sleep(pause)
            pause = min(pause * 1.5, 10.0)
            lock = str(self.get(f"nodes/{node}/qemu/{vmid}/status/current").get("lock") or "")
            if not lock:
                return

    def sleep(self, seconds: float) -> None:
        """Wait *seconds*, scaled by ``pace``."""
        time.sleep(seconds * self.pace)

    def _change_once(self, method: str, path: str, parameters: dict[str, Any]) -> None:
        started = int(time.time()) - 60
        try:
            answer = self._send(method, path, parameters)
        except requests.exceptions.SSLError as error:
            raise self._untrusted(error) from error
        except requests.exceptions.ConnectionError as error:
            if _never_sent(error):
                raise self._silent(error) from error
            self._settle(path, started)
            raise StaleError(f"the answer to {method} {path} was lost") from error
        except requests.exceptions.RequestException as error:
            self._settle(path, started)
            raise StaleError(f"the answer to {method} {path} was lost") from error
        except ApiError as error:
            if error.status not in NODE_DOWN or error.status == NODE_DOWN[0]:
                raise
            self._settle(path, started)
            raise StaleError(f"the answer to {method} {path} was lost") from error
        if isinstance(answer, str) and answer.startswith("UPID:"):
            self.wait(answer)

    def _settle(self, path: str, since: int) -> None:
        """After a lost answer: find the task that the request may have started, and wait for it."""
        match = GUEST.match(path)
        if match is None:
            return
        node, vmid = match[1], int(match[2])
        self.say("the connection broke after a request; looking for the task that it started")
        self.sleep(1.0)
        for task in self.get(f"nodes/{node}/tasks", vmid=vmid, source="all", since=since):
            if task.get("endtime") is None and _is_mine(task, self.token_id):
                self.wait(str(task["upid"]))

    def _outlive(self, path: str, lock: str) -> None:
        match = GUEST.match(path)
        if match:
            self.outlive_lock(match[1], int(match[2]), lock)

    def _log(self, node: str, upid: str) -> tuple[str, ...]:
        total = self.get(f"nodes/{node}/tasks/{upid}/log", limit=5000)
        return tuple(str(line["t"]) for line in total[-LOG_LINES:])

    def _send(self, method: str, path: str, parameters: dict[str, Any]) -> Any:
        resource = self._api(path)
        call = {
            "GET": resource.get,
            "POST": resource.post,
            "PUT": resource.put,
            "DELETE": resource.delete,
        }[method]
        try:
            return call(**parameters)
        except proxmoxer.ResourceException as error:
            fields = error.errors if isinstance(error.errors, dict) else {}
            raise ApiError(
                error.status_code,
                str(error.content),
                request=f"{method} /{path}",
                fields={str(name): str(text).strip() for name, text in fields.items()},
            ) from None  # proxmoxer's text repeats the fields

    def _untrusted(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"the certificate of the Proxmox VE API at {self.host} is not trusted",
            why=_innermost(error),
            hint="set proxmox.ca_file to the CA that signed it: /etc/pve/pve-root-ca.pem",
        )

    def _silent(self, error: Exception) -> UnreachableError:
        return UnreachableError(
            f"the Proxmox VE API at {self.host} does not answer",
            why=_innermost(error),
            hint="see that the host is right and port 8006 is open from here",
        )


def open_session(api: ProxmoxApi, inventory_dir: Path) -> Session:
    """Return a session for the declared *api*; nothing is sent yet.

    Raises:
        DeclarationError: the token's secret or the CA file cannot be read.
    """
    user, _, name = api.token_id.partition("!")
    verify: bool | str = True
    if api.ca_file:
        ca_file = expand(api.ca_file, relative_to=inventory_dir)
        if not ca_file.is_file():
            raise DeclarationError(
                f"proxmox.ca_file {ca_file} does not exist", hint="name the CA file of the API"
            )
        verify = str(ca_file)
    client = proxmoxer.ProxmoxAPI(
        api.host,
        port=api.port,
        user=user,
        token_name=name,
        token_value=_secret(api, inventory_dir),
        verify_ssl=verify,
        timeout=TIMEOUT,
    )
    return Session(client, host=f"{api.host}:{api.port}", token_id=api.token_id)


def _secret(api: ProxmoxApi, inventory_dir: Path) -> str:
    if api.token_file:
        path = expand(api.token_file, relative_to=inventory_dir)
        try:
            return path.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise DeclarationError(
                f"the token's secret cannot be read from {path}",
                why=error.strerror or str(error),
                hint="put the secret into that file (mode 600), or set PROXMOX_TOKEN_SECRET",
            ) from error
    if secret := os.environ.get("PROXMOX_TOKEN_SECRET", "").strip():
        return secret
    raise DeclarationError(
        f"no secret for the API token {api.token_id}",
        why="neither proxmox.token_file nor the variable PROXMOX_TOKEN_SECRET is set",
        hint="export PROXMOX_TOKEN_SECRET, or name a file in proxmox.token_file",
    )


def _is_mine(task: dict[str, Any], token_id: str) -> bool:
    return str(task.get("user", "")).partition("!")[0] == token_id.partition("!")[0]


def _never_sent(error: Exception) -> bool:
    text = repr(error)
    return "NewConnectionError" in text or isinstance(error, requests.exceptions.ConnectTimeout)


def _innermost(error: BaseException) -> str:
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__ or error
    return str(error)
