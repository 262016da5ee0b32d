"""The server's guest, asked from inside, and the seconds that a command takes in it."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

AS_POSTGRES = "runuser --user=postgres -- "


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

    def seconds(self, script: str) -> float:
        """Return what *script* takes as postgres when nothing of the disks is in memory."""
        subprocess.run(["sync"], check=True)
        Path("/proc/sys/vm/drop_caches").write_text("3")
        begin = time.perf_counter()
        self.run(AS_POSTGRES + f"sh -ec '{script}'")
        return time.perf_counter() - begin

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Return what the superuser is answered."""
        return self.run(
            f'{AS_POSTGRES}psql -XAtq -v ON_ERROR_STOP=1 -d {database} -c "{statement}"'
        )
