"""A real PostgreSQL 16 to load catalogues into, and small FITS files with any fault."""

import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
from bench.desi import fits
from tests.postgres16 import Postgres16

from labdb.adapters.content import query
from labdb.cli.app import run
from labdb.domain.recovery.fingerprint import TableFingerprint, fingerprints

TABLE = "raw_catalogs.positions"


class Desi:
    """A new, empty database of a real server."""

    def __init__(self, server: Postgres16) -> None:
        self.server = server
        self.name = f"c{uuid.uuid4().hex}"
        with psycopg.connect(server.conninfo, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {self.name}")

    @property
    def conninfo(self) -> str:
        return f"host={self.server.scratch} user=postgres dbname={self.name}"

    @contextmanager
    def session(self, application: str = "test") -> Iterator[psycopg.Connection]:
        with psycopg.connect(
            self.conninfo, autocommit=True, application_name=application
        ) as connection:
            yield connection

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        with self.session() as connection:
            return connection.execute(sql.encode()).fetchall()

    def one(self, sql: str) -> Any:
        return self.ask(sql)[0][0]

    def do(self, sql: str) -> None:
        with self.session() as connection:
            connection.execute(sql.encode())

    def prints(self) -> dict[str, TableFingerprint]:
        """Return the fingerprints of all tables but the ledger, which holds times."""
        path = self.server.scratch / "fingerprint.sql"
        path.write_text(query("fingerprint"), encoding="utf-8")
        path.chmod(0o644)
        done = self.server.run(
            "psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-h", str(self.server.scratch),
            "-U", "postgres", "-d", self.name, "-f", str(path),
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        found = fingerprints(json.loads(done.stdout))
        return {one.table: one for one in found if one.table != "load_ledger"}


class Loader:
    """The command ``labdb catalogue load`` against a database, and what it printed."""

    def __init__(self, desi: Desi, capsys: Any) -> None:
        self.conninfo = desi.conninfo
        self.capsys = capsys
        self.answer: dict[str, Any] = {}

    def __call__(
        self, *paths: Path, model: str = "positions", options: tuple[str, ...] = ()
    ) -> int:
        self.capsys.readouterr()
        code = run(
            ["catalogue", "load", *map(str, paths), "--model", model, *options,
             "--conninfo", self.conninfo, "--json"]
        )  # fmt: skip
        self.answer = json.loads(self.capsys.readouterr().out)
        return code

    @property
    def error(self) -> dict[str, str]:
        """The error that the command ended with."""
        found = self.answer["error"]
        assert found is not None, self.answer
        return dict(found)

    @property
    def parts(self) -> list[dict[str, Any]]:
        """What became of each file."""
        return list(self.answer["data"]["parts"])


def stars(count: int = 100, seed: int = 1) -> dict[str, np.ndarray]:
    """Return the columns of a file of model ``positions``: good rows only."""
    rng = np.random.default_rng(seed)
    return {
        "SOURCE_ID": np.arange(1, count + 1, dtype="i8") * 1_000_003 + seed,
        "RA": rng.uniform(0, 360, count),
        "DEC": rng.uniform(-90, 90, count),
        "REF_EPOCH": np.full(count, 2016.0),
        "PARALLAX": rng.lognormal(0, 1, count),
        "PMRA": rng.normal(0, 10, count),
        "PMDEC": rng.normal(0, 10, count),
        "PHOT_G_MEAN_MAG": rng.normal(18, 1, count).astype("f4"),
    }


def fits_file(
    path: Path,
    columns: Mapping[str, np.ndarray],
    units: Mapping[str, str] | None = None,
    keywords: Mapping[str, Mapping[str, float]] | None = None,
) -> Path:
    """Write one table, with its checksums."""
    return fits.save(path, [fits.hdu("GAIA", columns, units or {}, keywords)])
