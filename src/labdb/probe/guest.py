"""Look at one guest from inside; sent over SSH, run by root, changes nothing by itself.

The text of this file is the program: it may import nothing but the standard library of
the guest's own Python (3.11 and later). Its one argument is a JSON object on the last
line, its answer one JSON object.
"""

import calendar
import json
import os
import pwd
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

TIMEOUT = 60
UNREADABLE = 99
"""pgBackRest's code of a repository that gives no answer."""
LABEL = re.compile(r"(\d{8}-\d{6}F)(_\d{8}-\d{6}[DI])?")
SEGMENT = re.compile(r"[0-9A-F]{24}-[0-9a-f]{40}(\.[a-z0-9]+)?")
"""A set's folder and a segment with its SHA-1, as pgBackRest names them when they are whole."""
ARCHIVED = re.compile(
    r"^(\d+-\d+)/[0-9A-F]{16}/[0-9A-F]{8}([0-9A-F]{8})([0-9A-F]{8})-[0-9a-f]{40}", re.MULTILINE
)
"""A whole segment in a list of the archive: its folder, the two halves of its number."""


def run(*command: str, text: str | None = None, seconds: float = TIMEOUT) -> tuple[int, str, str]:
    """Return exit code, output and complaint of *command*; 127 when it is not installed."""
    try:
        done = subprocess.run(
            command, input=text, capture_output=True, text=True, errors="replace",
            timeout=seconds, check=False,
        )  # fmt: skip
    except FileNotFoundError as error:
        return 127, "", str(error)
    except subprocess.TimeoutExpired:
        return 124, "", f"{command[0]} took longer than {seconds} s"
    return done.returncode, done.stdout.strip(), done.stderr.strip()


def queries(port: int, wanted: list[dict[str, Any]]) -> dict[str, Any]:
    """Run each query as postgres; its answer is the JSON it returns, or its error."""
    answers: dict[str, Any] = {}
    for query in wanted:
        code, out, error = run(
            "runuser", "-u", "postgres", "--",
            "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-p", str(port), "-d", query["database"],
            text=query["sql"],
            seconds=query.get("seconds", TIMEOUT),
        )  # fmt: skip
        last = out.splitlines()[-1] if out else ""
        answers[query["name"]] = (
            {"ok": json.loads(last)} if code == 0 and last else {"error": error or "no answer"}
        )
    return answers


@cache
def backups(stanza: str) -> dict[str, Any]:
    """Return pgBackRest's own account of the stanza."""
    code, out, error = run(
        "runuser", "-u", "postgres", "--",
        "pgbackrest", f"--stanza={stanza}", "info", "--output=json",
    )  # fmt: skip
    # Not strict: of a file that it cannot decrypt it repeats what it read, control letters too.
    return {"ok": json.loads(out, strict=False)} if code == 0 and out else {"error": error or out}


def archives(stanza: str) -> dict[str, dict[str, Any]]:
    """Return the WAL segments in each repository that gives an answer, below its folders.

    Their numbers, whatever their timeline, as pairs of the first and the last without a gap.
    """
    found: dict[str, dict[str, Any]] = {}
    for item in backups(stanza).get("ok", [{}])[0].get("repo", []):
        if item["status"]["code"] == UNREADABLE:
            continue
        code, out, error = run(
            "runuser", "-u", "postgres", "--",
            "pgbackrest", f"--stanza={stanza}", f"--repo={item['key']}",
            "repo-ls", "--recurse", f"archive/{stanza}",
        )  # fmt: skip
        there = {(match[1], int(match[2], 16) * 256 + int(match[3], 16))
                 for match in ARCHIVED.finditer(out)}  # fmt: skip
        runs: dict[str, list[list[int]]] = {}
        for folder, number in sorted(there):
            known = runs.setdefault(folder, [])
            if known and number == known[-1][1] + 1:
                known[-1][1] = number
            else:
                known.append([number, number])
        found[str(item["key"])] = {"error": error or out} if code else {"ok": runs}
    return found


def commands(stanza: str, wanted: dict[str, list[str]], seconds: float) -> dict[str, Any]:
    """Return what pgBackRest says to each command; none of them changes a repository."""
    answers: dict[str, Any] = {}
    for name, options in wanted.items():
        code, out, error = run(
            "runuser", "-u", "postgres", "--", "pgbackrest", f"--stanza={stanza}", *options,
            seconds=seconds,
        )  # fmt: skip
        answers[name] = {"code": code, "out": out, "error": error}
    return answers


def journals(names: list[str]) -> dict[str, list[str]]:
    """Return what each unit has said since it was started last."""
    found: dict[str, list[str]] = {}
    for name in names:
        _, begun, _ = run("systemctl", "show", name, "--property=InvocationID", "--value")
        _, out, _ = run(
            "journalctl", "--no-pager", "--output=cat", f"_SYSTEMD_INVOCATION_ID={begun}"
        )
        found[name] = out.splitlines() if begun else []
    return found


def units(names: list[str]) -> dict[str, dict[str, str]]:
    """Return what systemd knows of each unit."""
    wanted = (
        "Id,LoadState,ActiveState,SubState,UnitFileState,NextElapseUSecRealtime,"
        "Result,ExecMainStatus,ConditionResult"
    )
    found: dict[str, dict[str, str]] = {}
    for name in names:
        _, out, _ = run("systemctl", "show", name, f"--property={wanted}")
        found[name] = dict(line.split("=", 1) for line in out.splitlines() if "=" in line)
    return found


def mounts(paths: list[str]) -> dict[str, dict[str, Any]]:
    """Return size, use and device of the file system at each mount point."""
    found: dict[str, dict[str, Any]] = {}
    table: dict[str, list[str]] = {}
    for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines():
        fields = line.split()
        table[fields[1]] = fields
    for path in paths:
        if path not in table:
            continue
        size = os.statvfs(path)
        found[path] = {
            "device": table[path][0],
            "filesystem": table[path][2],
            "size": size.f_blocks * size.f_frsize,
            "used": (size.f_blocks - size.f_bfree) * size.f_frsize,
            "free": size.f_bavail * size.f_frsize,
        }
    return found


def texts(paths: list[str]) -> dict[str, str]:
    """Return what each small file holds; one that is not there is left out."""
    return {
        path: Path(path).read_text(encoding="utf-8") for path in paths if os.access(path, os.R_OK)
    }


def folders(paths: list[str]) -> dict[str, list[str]]:
    """Return the names of what is in each folder; one that is not there is left out."""
    return {
        path: sorted(item.name for item in Path(path).iterdir())
        for path in paths
        if Path(path).is_dir()
    }


def listeners(ports: list[int]) -> list[int]:
    """Return those of *ports* on which somebody listens, by TCP or by a socket of PostgreSQL."""
    _, out, _ = run("ss", "--no-header", "--listening", "--numeric", "--tcp", "--unix")
    taken = re.findall(r"(?::|\.s\.PGSQL\.)(\d+)\s", out)
    return [port for port in ports if str(port) in taken]


def certificate(path: str) -> dict[str, str]:
    """Return when the certificate ends, in seconds since the epoch, and its subject."""
    code, out, error = run("openssl", "x509", "-in", path, "-noout", "-enddate", "-subject")
    if code:
        return {"error": error}
    end, subject = out.splitlines()[:2]
    moment = time.strptime(end.partition("=")[2], "%b %d %H:%M:%S %Y GMT")
    return {"ends": str(calendar.timegm(moment)), "subject": subject.partition("=")[2].strip()}


def clock(unit: str) -> dict[str, Any]:
    """Return how far the clock is off in seconds, and whom it follows, by the word of chrony.

    *skipped* tells that systemd does not start chrony here, as in a container.
    """
    state = units([unit])[unit]
    code, out, error = run("chronyc", "-c", "-n", "tracking")
    # 14 fields: chronyc(1), "tracking"; the fifth is the offset, the last the leap status.
    fields = out.split(",")
    told = {"error": error or out} if code else {"offset": float(fields[4]), "leap": fields[-1]}
    skipped = state.get("ActiveState") != "active" and state.get("ConditionResult") == "no"
    return {"skipped": skipped, **told}


def accounts(names: list[str]) -> dict[str, dict[str, Any]]:
    """Return how sshd takes each account: forced command, locked folder, key.

    sshd refuses an account whose folder, *root*, anybody but root can change.
    """
    known = {entry.pw_name for entry in pwd.getpwall()}
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        _, out, error = run("sshd", "-T", "-C", f"user={name},host=localhost,addr=127.0.0.1")
        told = dict(line.split(" ", 1) for line in out.splitlines() if " " in line)
        root = told.get("chrootdirectory", "none").replace("%u", name)
        keys = told.get("authorizedkeysfile", "").replace("%u", name).split()
        found[name] = {
            "exists": name in known,
            "command": told.get("forcecommand", "none"),
            "root": root,
            "safe": _is_roots_alone(Path(root)),
            "key": any(Path(key).is_file() and Path(key).stat().st_size for key in keys),
            "error": error,
        }
    return found


def _is_roots_alone(folder: Path) -> bool:
    if not folder.is_dir():
        return False
    there = folder.stat()
    return there.st_uid == 0 and not there.st_mode & 0o022


def repositories(paths: list[str]) -> dict[str, dict[str, Any]]:
    """Return what names, sizes and times tell of the pgBackRest repository in each folder.

    Nothing is opened: contents are encrypted. A set is complete when its manifest has its final
    name, and ended when that was written. A folder that is not there is left out.
    """
    return {path: _repository(Path(path)) for path in paths if Path(path).is_dir()}


def _repository(path: Path) -> dict[str, Any]:
    size, wal = 0, (0.0, "", 0)
    sets: dict[str, dict[str, Any]] = {}
    for parts, there in _files(path):
        size += there.st_size
        match parts:
            case ["archive", *_, name] if SEGMENT.fullmatch(name):
                wal = max(wal, (there.st_mtime, name[:24], there.st_size))
            case ["backup", _, label, *rest] if LABEL.fullmatch(label):
                found = sets.setdefault(label, {"label": label, "size": 0, "stop": None})
                found["size"] += there.st_size
                if rest == ["backup.manifest"]:
                    found["stop"] = there.st_mtime
    newest = dict(zip(("time", "name", "size"), wal, strict=True)) if wal[0] else None
    return {"size": size, "wal": newest, "sets": [sets[label] for label in sorted(sets)]}


def _files(top: Path) -> Iterator[tuple[tuple[str, ...], os.stat_result]]:
    """Yield the name of each file, as parts below *top*, with its size and time."""
    for folder, _, names in os.walk(top):
        for name in names:
            path = Path(folder, name)
            try:
                yield path.relative_to(top).parts, path.lstat()
            except FileNotFoundError:
                continue  # expired meanwhile


def system() -> dict[str, Any]:
    """Return load, memory and uptime as the kernel has them."""
    told = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
    memory = {line.split(":")[0]: int(line.split()[1]) << 10 for line in told}
    uptime = float(Path("/proc/uptime").read_text(encoding="utf-8").split()[0])
    return {
        "load": os.getloadavg(),
        "memory": memory["MemTotal"],
        "available": memory["MemAvailable"],
        "uptime": uptime,
        "processors": os.cpu_count(),
        "now": time.time(),
    }


def look(wanted: dict[str, Any]) -> dict[str, Any]:
    """Answer every question in *wanted*; what is not asked for costs nothing."""
    seconds = wanted.get("seconds", TIMEOUT)
    ways: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "queries": ("queries", lambda asked: queries(wanted.get("port", 5432), asked)),
        "stanza": ("backups", backups),
        "archives": ("archives", lambda _: archives(wanted["stanza"])),
        "commands": ("commands", lambda asked: commands(wanted["stanza"], asked, seconds)),
        "units": ("units", units),
        # After the units: of one that has ended it is complete.
        "journals": ("journals", journals),
        "mounts": ("mounts", mounts),
        "files": ("files", lambda asked: {path: os.access(path, os.F_OK) for path in asked}),
        "texts": ("texts", texts),
        "folders": ("folders", folders),
        "ports": ("listeners", listeners),
        "certificate": ("certificate", certificate),
        "clock": ("clock", clock),
        "accounts": ("accounts", accounts),
        "repositories": ("repositories", repositories),
        "system": ("system", lambda _: system()),
    }
    return {
        name: answer(wanted[asked]) for asked, (name, answer) in ways.items() if asked in wanted
    }
