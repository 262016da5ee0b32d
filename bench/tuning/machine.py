"""The machine that everybody runs on: one container, 8 GB, PostgreSQL 16 of the lab's mirror."""

import fcntl
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import postgresql16
from bench.tuning.cgroup import Cgroup
from docker.errors import NotFound

from labdb.lab.engine import engine
from labdb.size import human_size

NAME = "labdb-bench-tuning"
BIN = "/usr/lib/postgresql/16/bin"
DATA, SOCKETS = "/bench/data", "/run/bench"
OOM_SCORES = "PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj PG_OOM_ADJUST_VALUE=500"
"""As Debian's service has it: when memory is short a backend is ended, not the postmaster."""


class DoesNotStartError(Exception):
    """PostgreSQL refused a configuration; the message is the last of its log."""


class InUseError(Exception):
    """Another run has the machine's folder."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What the container may use; *memory* in bytes."""

    cores: int
    memory: int


class Machine:
    """The container and the PostgreSQL in it; *folder* holds its data and its socket."""

    def __init__(self, folder: Path, limits: Limits) -> None:
        self.folder = folder
        self._limits = limits
        self._name = f"{NAME}-{hashlib.sha256(str(folder).encode()).hexdigest()[:6]}"
        self._container: Any = None

    @property
    def description(self) -> str:
        """The limits in words."""
        cores = min(self._limits.cores, os.cpu_count() or 1)
        return f"{cores} cores, {human_size(self._limits.memory)}"

    @contextmanager
    def running(self) -> Iterator[None]:
        """Have the container for the block, made anew; PostgreSQL does not run yet.

        Raises:
            InUseError: another run has the folder.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                raise InUseError(f"another run uses {self.folder}; give --folder") from error
            self._start()
            try:
                yield
            finally:
                self.stop()
                self._remove()

    def _start(self) -> None:
        self._remove()
        for name in ("data", "run"):
            (self.folder / name).mkdir(exist_ok=True)
        volumes = {
            str(self.folder / "data"): {"bind": DATA, "mode": "rw"},
            str(self.folder / "run"): {"bind": SOCKETS, "mode": "rw"},
        }
        cores = min(self._limits.cores, os.cpu_count() or 1)
        self._container = engine().containers.run(
            postgresql16.image(),
            ["sleep", "infinity"],
            name=self._name,
            detach=True,
            init=True,
            network_mode="none",
            mem_limit=self._limits.memory,
            memswap_limit=self._limits.memory,
            # As a virtual machine has it: /dev/shm is half of the memory; parallel joins need it.
            shm_size=self._limits.memory // 2,
            nano_cpus=cores * 1_000_000_000,
            volumes=volumes,
        )
        self.run(f"chown postgres: {DATA} {SOCKETS} && chmod 700 {DATA}", user="root")
        self._container.reload()
        process = self._container.attrs["State"]["Pid"]
        self.cgroup = Cgroup(Path(f"/proc/{process}/cgroup").read_text())

    def _remove(self) -> None:
        try:
            engine().containers.get(self._name).remove(force=True)
        except NotFound:
            return

    def run(self, script: str, *, user: str = "postgres") -> str:
        """Run a shell *script* in the container and return what it said.

        Raises:
            RuntimeError: it failed; the message is its output.
        """
        status, output = self._container.exec_run(["/bin/sh", "-ec", script], user=user)
        text: str = output.decode(errors="replace")
        if status:
            raise RuntimeError(f"{script.strip().splitlines()[0]}: {text}")
        return text

    def install_sky_functions(self) -> None:
        """Put the extension ``labdb`` where PostgreSQL finds it."""
        for name, text in postgresql16.sky_functions().items():
            place = f"{postgresql16.EXTENSIONS}/{name}"
            self.run(f"cat > {place} <<'LABDB'\n{text}\nLABDB", user="root")

    def initialise(self) -> None:
        """Make a new, empty cluster in place of any that is there."""
        self.run(f"find {DATA} -mindepth 1 -delete")
        self.run(
            f"{BIN}/initdb -D {DATA} -U postgres -A trust -k -E UTF8 --locale=en_US.UTF-8"
            " --no-instructions"
        )

    def serve(self, configuration: str) -> None:
        """Start PostgreSQL with *configuration*, from an empty page cache.

        Raises:
            DoesNotStartError: it refused.
        """
        self.stop()
        self.cgroup.drop_cache()
        data = self.folder / "data"
        (data / "postgresql.conf").write_text(configuration, encoding="utf-8")
        (data / "postgresql.auto.conf").write_text("", encoding="utf-8")
        (data / "log").unlink(missing_ok=True)
        try:
            self.run(f"{OOM_SCORES} {BIN}/pg_ctl -D {DATA} -l {DATA}/log -w -t 120 -s start")
        except RuntimeError as error:
            written = data / "log"
            lines = written.read_text(encoding="utf-8").splitlines() if written.exists() else []
            raise DoesNotStartError(lines[-1] if lines else str(error)) from error

    def stop(self) -> None:
        """Stop PostgreSQL where it runs; its last checkpoint is part of it."""
        control = f"{BIN}/pg_ctl -D {DATA} -s -w -t 300"
        self.run(
            f"{control} status || exit 0; {control} -m fast stop || {control} -m immediate stop"
        )

    def warm(self, database: str) -> None:
        """Read the relations of *database* once, so that everybody finds them in the page cache."""
        self.run(f"cat {DATA}/base/{database}/[0-9]* > /dev/null")

    def conninfo(self, user: str, database: str = "bench") -> str:
        """Return how to connect as *user*."""
        return f"host={self.folder / 'run'} user={user} dbname={database}"
