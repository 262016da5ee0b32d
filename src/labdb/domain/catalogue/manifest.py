"""The manifest of an exported table: what was written, from which snapshot, and how it is proven.

It is one JSON object in ``manifest.json``. Its last member is the SHA-256 of all others, so that
an edit shows; the SHA-256 of each file stands in it.
"""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from pathlib import PurePosixPath
from typing import Any

from labdb.domain.catalogue.carried import Carried
from labdb.domain.catalogue.kind import Kind
from labdb.domain.recovery.fingerprint import TableFingerprint

FORMAT = "labdb catalogue export"
VERSION = 1
NAME = "manifest.json"


class NotAManifest(ValueError):  # noqa: N818 - it says what is wrong, as a sentence would
    """The text is no manifest, or not as labdb wrote it."""


@dataclass(frozen=True, slots=True)
class FilePart:
    """A file: its path in the folder, with slashes; *unpacked* are the bytes of its values."""

    path: str
    size: int
    rows: int
    sha256: str
    unpacked: int = 0


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the rows are of: moment, place in the WAL, and the server's name of the snapshot."""

    time: str
    lsn: str
    transactions: str
    server_version: str


@dataclass(frozen=True, slots=True)
class Definition:
    """What of a table is not its columns: everything that PostgreSQL has to be told again."""

    owner: str
    comment: str = ""
    options: Sequence[str] = ()
    grants: Sequence[Sequence[Any]] = ()
    constraints: Sequence[Sequence[str]] = ()
    indexes: Sequence[str] = ()
    statistics: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The manifest of one table."""

    labdb: str
    database: str
    schema: str
    table: str
    rows: int
    snapshot: Snapshot
    columns: tuple[Carried, ...]
    checksums: Mapping[str, int]
    files: tuple[FilePart, ...]
    fingerprint: TableFingerprint
    definition: Definition
    ledger: Sequence[Mapping[str, Any]] = ()
    model: Mapping[str, str] = field(default_factory=dict)
    compression: str = "zstd"
    healpix_order: int | None = None

    @property
    def name(self) -> str:
        """Schema and table."""
        return f"{self.schema}.{self.table}"

    @property
    def size(self) -> int:
        """The bytes of all files."""
        return sum(one.size for one in self.files)


def digest(value: Mapping[str, Any]) -> str:
    """Return the SHA-256 of *value* written in one certain way."""
    text = json.dumps(value, sort_keys=True, ensure_ascii=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def written(manifest: Manifest) -> str:
    """Return the text of the manifest."""
    told: dict[str, Any] = {"format": FORMAT, "version": VERSION} | asdict(manifest)
    told["columns"] = [
        asdict(one) | {"parquet": one.parquet, "metadata": one.metadata} for one in manifest.columns
    ]
    told = json.loads(json.dumps(told))  # tuples become lists before they are counted
    return json.dumps(told | {"sha256": digest(told)}, indent=1, ensure_ascii=False) + "\n"


def read(text: str) -> Manifest:
    """Return the manifest that *text* is.

    Raises:
        NotAManifest: it is none, of a later version, or was edited.
    """
    try:
        told = json.loads(text)
    except ValueError as error:
        raise NotAManifest(f"it is not JSON: {error}") from error
    if not isinstance(told, dict) or told.get("format") != FORMAT:
        raise NotAManifest(f"it does not say that it is a {FORMAT}")
    if told.get("version") != VERSION:
        raise NotAManifest(f"it is of version {told.get('version')}; this labdb reads {VERSION}")
    said = told.pop("sha256", None)
    if digest(told) != said:
        raise NotAManifest("it was edited: it is not what its own SHA-256 was taken of")
    try:
        manifest = _manifest(told)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise NotAManifest(f"a member is missing or wrong: {error}") from error
    for one in manifest.files:
        path = PurePosixPath(one.path)
        if path.is_absolute() or ".." in path.parts or not path.parts:
            raise NotAManifest(f"the path {one.path!r} leads out of its folder")
    return manifest


def _manifest(told: Mapping[str, Any]) -> Manifest:
    given = {one.name: told[one.name] for one in fields(Manifest)}
    columns = [
        {one.name: column[one.name] for one in fields(Carried)} for column in told["columns"]
    ]
    return Manifest(
        **given
        | {
            "snapshot": Snapshot(**told["snapshot"]),
            "columns": tuple(Carried(**one | {"kind": Kind(one["kind"])}) for one in columns),
            "files": tuple(FilePart(**one) for one in told["files"]),
            "fingerprint": TableFingerprint(**told["fingerprint"]),
            "definition": Definition(**told["definition"]),
        }
    )
