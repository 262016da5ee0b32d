"""The server's guest, asked from inside, and the seconds that a command takes in it."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labdb.lab.engine import engine

AS_POSTGRES = "runuser --user=postgres -- "


WAITING = "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name LIKE '%.ready'"


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command took: *seconds* by the clock, and of the guest's *processor* time."""

    seconds: float
    processor: float


@dataclass(frozen=True, slots=True)
class Guest:
    """The container that stands for the server's guest."""

    name: str

    def run(self, script: str, *, stdin: Path | None = None) -> str:
        """Run a shell script as root and return what it printed.

        Raises:
            RuntimeError: it failed; says what it said last.
        """
        command = ["docker", "exec", *(["-i"] if stdin else []), self.name, "sh", "-ec", script]
        with (stdin or Path("/dev/null")).open("rb") as file:
            done = subprocess.run(command, stdin=file, capture_output=True, check=False)
        if done.returncode:
            said = (done.stdout + done.stderr).decode(errors="replace").strip().splitlines()
            raise RuntimeError(f"{script}: {said[-3:]}")
        return done.stdout.decode().strip()

    def takes(self, script: str) -> Taken:
        """Return what *script* takes as postgres; nothing is in memory, and no WAL waits."""
        while self.sql(WAITING) != "0":
            time.sleep(0.5)
        subprocess.run(["sync"], check=True)
        Path("/proc/sys/vm/drop_caches").write_text("3")
        processor, begin = self._processor(), time.perf_counter()
        self.run(AS_POSTGRES + f"sh -ec '{script}'")
        return Taken(time.perf_counter() - begin, self._processor() - processor)

    def _processor(self) -> float:
        told: Any = engine().containers.get(self.name).stats(stream=False, one_shot=True)
        return float(told["cpu_stats"]["cpu_usage"]["total_usage"]) / 1e9

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Return what the superuser is answered."""
        return self.run(
            f'{AS_POSTGRES}psql -XAtq -v ON_ERROR_STOP=1 -d {database} -c "{statement}"'
        )
