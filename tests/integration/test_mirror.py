"""A fresh guest installs PostgreSQL and its extensions from the mirror, as from PGDG."""

import subprocess
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from labdb.lab import image, mirror
from labdb.lab.daemon import Daemon
from labdb.lab.engine import engine

pytestmark = pytest.mark.docker
BUILD_SECONDS = 600.0  # with a cold cache


def run(guest: Any, script: str) -> str:
    code, output = guest.exec_run(["/bin/sh", "-ec", script])
    text: str = output.decode()
    assert code == 0, text
    return text


def sql(guest: Any, *statements: str) -> list[str]:
    given = [f"--command={statement}" for statement in statements]
    psql = ["psql", "--no-psqlrc", "--tuples-only", "--no-align", "--quiet", *given]
    code, output = guest.exec_run(psql, user="postgres")
    text: str = output.decode()
    assert code == 0, text
    return text.splitlines()


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        folder = tmp_path_factory.mktemp("mirror")
        patch.setenv("LABDB_STATE", str(folder))
        yield folder


@pytest.fixture(scope="module")
def url(state: Path) -> Iterator[str]:
    """The mirror, served where containers of Docker's own network find it."""
    bridge = engine().networks.get("bridge").attrs["IPAM"]["Config"][0]
    address = str(bridge.get("Gateway") or ip_network(bridge["Subnet"])[1])
    server = Daemon("labdb.lab.mirror", state / "server.pid", state / "server.log")
    server.start(
        *("serve", "--address", address, "--port", "0"),
        ready=lambda: "serving" in server.log.read_text(),
        timeout=BUILD_SECONDS,
    )
    base = next(line for line in server.log.read_text().splitlines() if "serving" in line)
    yield f"{base.split()[-1]}/{mirror.URL_PATH}"
    server.stop()


@pytest.fixture(scope="module")
def guest(url: str) -> Iterator[Any]:
    """A guest whose apt knows the mirror and its key, and nothing of PGDG."""
    container = engine().containers.run(image.ensure(), ["sleep", "infinity"], detach=True)
    run(
        container,
        f"curl -fsS {url}/ACCC4CF8.asc -o /etc/apt/keyrings/pgdg.asc\n"
        f"echo 'deb [signed-by=/etc/apt/keyrings/pgdg.asc] {url} trixie-pgdg main'"
        " > /etc/apt/sources.list.d/pgdg.list\n"
        "apt-get -q update",
    )
    yield container
    container.remove(force=True)


@pytest.fixture(scope="module")
def server(guest: Any) -> Any:
    packages = "postgresql-16 postgresql-16-q3c postgresql-16-pgvector postgresql-16-pgsphere"
    run(guest, f"DEBIAN_FRONTEND=noninteractive apt-get -q -y install {packages}")
    run(guest, "pg_ctlcluster 16 main start || pg_ctlcluster 16 main status")
    return guest


def test_postgresql_comes_from_the_mirror_and_runs(server: Any, url: str) -> None:
    assert url in run(server, "apt-cache policy postgresql-16")
    assert sql(server, "show server_version") == ["16.15"]


def test_the_sky_can_be_indexed_and_searched(server: Any) -> None:
    rows = sql(
        server,
        "create extension q3c",
        "create table stars as select i as ra, 10.0 as dec from generate_series(0, 359) i",
        "create index on stars (q3c_ang2ipix(ra, dec))",
        "select count(*) from stars where q3c_radial_query(ra, dec, 180.0, 10.0, 1.5)",
    )
    assert rows == ["3"]


def test_vectors_and_spheres_load(server: Any) -> None:
    assert sql(server, "create extension vector", "select '[1,2]'::vector <-> '[1,5]'") == ["3"]
    assert sql(server, "create extension pg_sphere", "select spoint(0, 0) <-> spoint(0, 0)") == [
        "0"
    ]


def test_contributed_modules_that_need_libpq_load(server: Any) -> None:
    assert sql(server, "create extension postgres_fdw", "create extension dblink") == []


def test_what_the_mirror_did_not_sign_is_not_installed(guest: Any, state: Path) -> None:
    release = state / "lab/mirror/www" / mirror.URL_PATH / "dists" / mirror.SUITE / "InRelease"
    signed = release.read_text()
    release.write_text(signed.replace("Components: main", "Components: mean"))
    try:
        code, output = guest.exec_run(
            ["apt-get", "-q", "-o", "APT::Update::Error-Mode=any", "update"]
        )
    finally:
        release.write_text(signed)
    assert code != 0, output.decode()


def test_a_second_lab_signs_with_a_key_of_its_own(
    state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = (mirror.ensure() / "ACCC4CF8.asc").read_bytes()
    assert (mirror.ensure() / "ACCC4CF8.asc").read_bytes() == first
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))
    assert (mirror.ensure() / "ACCC4CF8.asc").read_bytes() != first


def test_the_secret_key_is_the_lab_s_alone(state: Path, url: str) -> None:
    key = state / "lab/mirror/signing-key.asc"
    assert key.stat().st_mode & 0o077 == 0
    listing = f"{url.removesuffix(mirror.URL_PATH)}pub/"
    code = ["curl", "-s", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", listing]
    assert subprocess.check_output(code, text=True) == "403"
