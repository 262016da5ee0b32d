"""A signed apt repository: index, Release file, signature (Debian wiki, RepositoryFormat)."""

import gzip
import hashlib
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from labdb.errors import RunError

KEY_FILE = "ACCC4CF8.asc"  # the name under which PGDG serves its key
OWNER = "labdb embedded lab <root@localhost>"


def publish(packages: Sequence[Path], root: Path, *, suite: str, key: Path) -> None:
    """Make *root* the apt repository of *packages* with one *suite*, signed with *key*.

    *key* is an armoured secret key, made here when the file is missing. *root* has the
    shape of PGDG's ``/pub/repos/apt``: ``dists/SUITE/main/binary-amd64``, ``pool``, the key.

    Raises:
        RunError: gpg or dpkg-deb failed.
    """
    pool = root / "pool/main"
    shutil.rmtree(root, ignore_errors=True)
    pool.mkdir(parents=True)
    for package in packages:
        shutil.copy2(package, pool)
    dist = root / "dists" / suite
    binary = dist / "main/binary-amd64"
    binary.mkdir(parents=True)
    index = "\n".join(_entry(root, path) for path in sorted(pool.glob("*.deb")))
    (binary / "Packages").write_text(index)
    (binary / "Packages.gz").write_bytes(gzip.compress(index.encode(), mtime=0))
    (dist / "Release").write_text(_release(dist, suite))
    _sign(dist, key, public=root / KEY_FILE)


def _entry(root: Path, package: Path) -> str:
    control = _run(["dpkg-deb", "--field", str(package)])
    return (
        f"{control.rstrip()}\n"
        f"Filename: {package.relative_to(root)}\n"
        f"Size: {package.stat().st_size}\n"
        f"SHA256: {_sha256(package)}\n"
    )


def _release(dist: Path, suite: str) -> str:
    files = sorted(path for path in dist.rglob("*") if path.is_file())
    sums = "".join(
        f" {_sha256(path)} {path.stat().st_size:16d} {path.relative_to(dist)}\n" for path in files
    )
    return (
        "Origin: apt.postgresql.org\n"
        "Label: PostgreSQL for Debian/Ubuntu repository\n"
        f"Suite: {suite}\nCodename: {suite}\n"
        f"Date: {format_datetime(datetime.now(tz=UTC), usegmt=True).replace('GMT', 'UTC')}\n"
        "Architectures: amd64\nComponents: main\n"
        "Description: PostgreSQL in PGDG layout, made by the embedded lab of labdb\n"
        f"SHA256:\n{sums}"
    )


def _sign(dist: Path, key: Path, *, public: Path) -> None:
    # gpg's agent wants a socket with a short path: the key ring lives only while we sign.
    with tempfile.TemporaryDirectory(prefix="labdb-gpg-", dir="/tmp") as home:
        gpg = ["gpg", "--homedir", home, "--batch", "--quiet", "--yes", "--pinentry-mode"]
        gpg += ["loopback", "--passphrase", ""]
        try:
            if key.exists():
                _run([*gpg, "--import", str(key)])
            else:
                _run([*gpg, "--quick-generate-key", OWNER, "rsa3072", "sign", "never"])
                key.parent.mkdir(parents=True, exist_ok=True)
                key.touch(mode=0o600)
                _run([*gpg, "--armor", "--output", str(key), "--export-secret-keys"])
            release = str(dist / "Release")
            _run([*gpg, "--clearsign", "--output", str(dist / "InRelease"), release])
            signature = str(dist / "Release.gpg")
            _run([*gpg, "--armor", "--detach-sign", "--output", signature, release])
            _run([*gpg, "--armor", "--output", str(public), "--export"])
        finally:
            subprocess.run(["gpgconf", "--homedir", home, "--kill", "gpg-agent"], check=False)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _run(command: list[str]) -> str:
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise RunError(
            f"{command[0]} is not installed",
            why="the mirror's packages are indexed by dpkg-deb and signed by gpg",
            hint="apt-get install dpkg gnupg, or run make lab, which does it",
        ) from error
    if done.returncode:
        lines = done.stderr.strip().splitlines()
        raise RunError(
            f"{command[0]} failed while the mirror's repository was made",
            why=lines[-1] if lines else f"exit code {done.returncode}",
            hint="run the same command again; report it if it fails again",
        )
    return done.stdout
