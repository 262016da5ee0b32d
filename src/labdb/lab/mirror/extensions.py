"""The extensions' packages: built with PGXS in a throw-away container of the guests' image."""

import logging
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from docker.models.containers import Container

from labdb.errors import RunError
from labdb.lab import image
from labdb.lab.engine import engine
from labdb.lab.mirror import deb
from labdb.lab.mirror.postgresql import BUILD_LIBRARIES, REVISION
from labdb.lab.mirror.sources import ExtensionSource

TOOLS = ("bison", "flex", "gcc", "libc6-dev", "make", "patch", "perl", *BUILD_LIBRARIES)
INSIDE = "/build"
log = logging.getLogger(__name__)


def build(
    extensions: Sequence[tuple[ExtensionSource, Path]],
    *,
    major: int,
    core: Sequence[Path],
    work: Path,
    target: Path,
) -> list[Path]:
    """Make one package for each of *extensions* (source and tarball) in the folder *target*.

    *core* are PostgreSQL's own packages, whose headers and programs are used; *work* is
    shared with the container.

    Raises:
        RunError: an extension does not build; the error gives the compiler's last words.
    """
    if not extensions:
        return []
    container = engine().containers.run(
        image.ensure(),
        ["sleep", "infinity"],
        detach=True,
        name=f"labdb-mirror-{work.name}",
        init=True,
        volumes={str(work): {"bind": INSIDE, "mode": "rw"}},
    )
    try:
        _prepare(container, [INSIDE + f"/{path.relative_to(work)}" for path in core])
        return [
            _one(container, source, tarball, major=major, work=work, target=target)
            for source, tarball in extensions
        ]
    finally:
        container.remove(force=True)


def _prepare(container: Container, core: Sequence[str]) -> None:
    _exec(container, ["apt-get", "-q", "update"])
    install = ["apt-get", "-q", "-y", "--no-install-recommends", "install"]
    _exec(container, [*install, *TOOLS])
    for package in core:
        # Unpacked, not installed: a build needs no cluster.
        _exec(container, ["dpkg-deb", "--extract", package, "/"])


def _one(  # noqa: PLR0913 - what one build is made of
    container: Container,
    source: ExtensionSource,
    tarball: Path,
    *,
    major: int,
    work: Path,
    target: Path,
) -> Path:
    log.info("building %s %s", source.name, source.version)
    folder = work / source.name
    with tarfile.open(tarball) as archive:
        archive.extractall(folder / "source", filter="tar")
    (top,) = (folder / "source").iterdir()
    config = f"PG_CONFIG=/usr/lib/postgresql/{major}/bin/pg_config"
    inside = f"{INSIDE}/{top.relative_to(work)}"
    make = ["make", "-C", inside, "-j2", config, "with_llvm=no", *source.make]
    _exec(container, make)
    _exec(container, [*make, "install", f"DESTDIR={INSIDE}/{source.name}/root"])
    tree = folder / "root"
    home = tree / f"usr/lib/postgresql/{major}"
    # `make install` followed upstream's relative places; the packages' links lead elsewhere.
    if (home / "share").exists():
        place = tree / f"usr/share/postgresql/{major}"
        place.parent.mkdir(parents=True, exist_ok=True)
        (home / "share").rename(place)
        shutil.rmtree(place / "doc", ignore_errors=True)
    shutil.rmtree(home / "include", ignore_errors=True)
    package = deb.Package(
        name=f"postgresql-{major}-{source.name}",
        version=f"{source.version}-{REVISION}",
        summary=f"{source.summary} (embedded lab)",
        depends=(f"postgresql-{major}", "libc6 (>= 2.36)", *source.depends),
    )
    return deb.build(package, tree, target)


def _exec(container: Container, command: Sequence[str]) -> None:
    environment = {"DEBIAN_FRONTEND": "noninteractive"}
    done = container.exec_run(list(command), environment=environment)
    if done.exit_code:
        output = done.output if isinstance(done.output, bytes) else b"".join(done.output)
        lines = output.decode(errors="replace").strip().splitlines()
        telling = [line for line in lines if "rror" in line] or lines
        raise RunError(
            f"{' '.join(command[:3])} failed in the container that builds the mirror",
            why=telling[-1] if telling else f"exit code {done.exit_code}",
            hint="is the Debian mirror reachable from Docker containers?",
        )
