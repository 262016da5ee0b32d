"""The guest agent, asked by the protocol that Proxmox VE speaks with it (QEMU Guest Agent)."""

import base64
import json
import secrets
import socket
from pathlib import Path
from typing import Any

SECONDS = 20.0


class AgentError(OSError):
    """The agent does not answer, or refuses."""


def ask(agent: Path, command: str, /, **arguments: Any) -> Any:
    """Return what *command* returns, by the socket of *agent*."""
    with socket.socket(socket.AF_UNIX) as link:
        link.settimeout(SECONDS)
        link.connect(str(agent))
        with link.makefile("rw", encoding="utf-8") as lines:
            # Answers to whoever asked before us, and gave up, are still on their way.
            number = secrets.randbelow(1 << 31)
            _send(lines, "guest-sync", id=number)
            while _answer(lines) != number:
                pass
            _send(lines, command, **arguments)
            return _answer(lines)


def read_file(agent: Path, path: str) -> str:
    """Return the guest's file at *path*, as ``agent/file-read`` of the API does."""
    handle = ask(agent, "guest-file-open", path=path)
    try:
        read = ask(agent, "guest-file-read", handle=handle, count=1 << 16)
        return base64.b64decode(read["buf-b64"]).decode()
    finally:
        ask(agent, "guest-file-close", handle=handle)


def _send(lines: Any, command: str, /, **arguments: Any) -> None:
    lines.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    lines.flush()


def _answer(lines: Any) -> Any:
    line = lines.readline()
    if not line:
        raise AgentError("the guest agent hung up")
    answer = json.loads(line)
    if "error" in answer:
        raise AgentError(answer["error"]["desc"])
    return answer["return"]
