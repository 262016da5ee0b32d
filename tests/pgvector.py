"""pgvector for the tests' PostgreSQL: built from the lab's own tarball, once a session."""

import os
import subprocess
import tarfile
from pathlib import Path

from tests.postgres16 import Postgres16

from labdb.lab.mirror import sources


def install(server: Postgres16, work: Path) -> None:
    """Build the extension with the server's own PGXS, and install it there."""
    if (server.bin.parent / "share/extension/vector.control").exists():
        return
    source = next(one for one in sources.load().extensions if one.name == "pgvector")
    tarball = sources.fetch_tarball(source)
    assert tarball is not None, "no tarball of pgvector"
    with tarfile.open(tarball) as archive:
        archive.extractall(work, filter="data")
    (top,) = work.iterdir()
    make = ["make", "-C", str(top), "-j2", f"PG_CONFIG={server.bin / 'pg_config'}", *source.make]
    environment = {"PATH": os.environ["PATH"], "HOME": str(work)}
    for goal in ("all", "install"):
        done = subprocess.run(
            [*make, "with_llvm=no", goal],
            check=False, capture_output=True, text=True, env=environment,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
