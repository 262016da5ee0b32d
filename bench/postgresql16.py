"""The image that benchmarks and tests run PostgreSQL 16 in: a guest's, with the lab's packages."""

import logging
from pathlib import Path

from docker.errors import ImageNotFound

from labdb.lab import image as guests
from labdb.lab import mirror
from labdb.lab.engine import engine

IMAGE = "labdb/bench-postgresql16"
MIRROR = "/mirror"
EXTENSIONS = "/usr/share/postgresql/16/extension"
"""Where PostgreSQL of that image looks for extensions."""
SKY = Path(__file__).resolve().parents[1] / "roles" / "sky_functions" / "files"
INSTALL = f"""
echo 'deb [signed-by={MIRROR}/ACCC4CF8.asc] file://{MIRROR} {mirror.SUITE} main' \
    > /etc/apt/sources.list.d/pgdg.list
apt-get -q update
apt-get -q -y --no-install-recommends install postgresql-common
sed -i 's/^#\\? *create_main_cluster.*/create_main_cluster = false/' \
    /etc/postgresql-common/createcluster.conf
apt-get -q -y --no-install-recommends install postgresql-16 postgresql-16-q3c
rm -rf /etc/apt/sources.list.d/pgdg.list /var/lib/apt/lists/*
"""
log = logging.getLogger(__name__)


def sky_functions() -> dict[str, str]:
    """Return the files of the extension ``labdb`` as the role installs them, by name."""
    parts = [path.read_text(encoding="utf-8") for path in sorted((SKY / "1.0").glob("*.sql"))]
    control = (SKY / "labdb.control").read_text(encoding="utf-8")
    return {"labdb.control": control, "labdb--1.0.sql": "".join(parts)}


def image() -> str:
    """Return the guests' image with PostgreSQL 16 in it, made where it is missing."""
    base, packages = guests.ensure(), mirror.ensure()
    made_of = (packages / "made-of").read_text().strip()
    name = f"{IMAGE}:{base.rpartition(':')[2]}-{made_of}"
    try:
        engine().images.get(name)
    except ImageNotFound:
        log.info("installing PostgreSQL 16 into %s", name)
        _install(base, packages, name)
    return name


def _install(base: str, packages: Path, name: str) -> None:
    volumes = {str(packages): {"bind": MIRROR, "mode": "ro"}}
    container = engine().containers.run(base, ["sleep", "infinity"], detach=True, volumes=volumes)
    try:
        environment = {"DEBIAN_FRONTEND": "noninteractive"}
        done = container.exec_run(["/bin/sh", "-ec", INSTALL], environment=environment)
        if done.exit_code:
            raise RuntimeError(f"PostgreSQL is not installed: {done.output!r}")
        container.commit(*name.split(":"))
    finally:
        container.remove(force=True)
