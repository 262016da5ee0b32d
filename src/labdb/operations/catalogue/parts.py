"""What a load consists of: each file with each table that it has rows of."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from labdb.adapters.catalogue import files
from labdb.adapters.catalogue.source import Source
from labdb.adapters.catalogue.tables import Target
from labdb.domain.catalogue.mapping import Filled, fit
from labdb.domain.catalogue.table import Model, Table
from labdb.errors import DeclarationError, UsageError

SHOWN = 3
"""Names of files that a message tells, of those that have the same fault."""


@dataclass(frozen=True, slots=True)
class Part:
    """The rows of one table in one file; *constants* are those of the file's name."""

    table: Table
    target: Target
    path: Path
    constants: dict[str, str]

    def __str__(self) -> str:
        """Return the part as progress shows it."""
        return f"{self.path.name} to {self.target}"


@dataclass(frozen=True, slots=True)
class Fitted:
    """A part whose columns fit, with the rows and bytes that it has."""

    part: Part
    filled: tuple[Filled, ...]
    hdus: tuple[str, ...]
    rows: int
    size: int

    @property
    def column_map(self) -> dict[str, str]:
        """The source of each column, as the ledger has it."""
        return {
            one.column.name: (
                f"{one.source.hdu}.{one.source.name}" if one.source.hdu else one.source.name
            )
            for one in self.filled
            if one.source is not None
        }


@dataclass(frozen=True, slots=True)
class Asked:
    """What of a model is to be loaded, and where to."""

    model: Model
    schema: str
    table: str | None = None
    name: str | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """The tables that are asked for.

        Raises:
            UsageError: the model has no such table, or one name is to be that of several.
        """
        chosen = tuple(one for one in self.model.tables if self.table in (None, one.name))
        there = ", ".join(one.name for one in self.model.tables)
        if not chosen:
            raise UsageError(
                f"model {self.model.name} has no table {self.table!r}",
                why=f"it has {there}",
                hint="leave --table out to load all of them",
            )
        if self.name and len(chosen) > 1:
            raise UsageError(
                "one name cannot be that of several tables",
                why=f"model {self.model.name} has {there}",
                hint="choose one of them with --table",
            )
        return chosen

    def target(self, table: Table) -> Target:
        """Return where the rows of *table* go."""
        model = self.model.name
        usual = table.name if table.name == model else f"{model}_{table.name}"
        return Target(self.schema, self.name or usual)


def parts(asked: Asked, paths: Sequence[Path]) -> tuple[list[Part], list[Path]]:
    """Return the parts that *paths* have, and the files in directories that are of no table.

    Raises:
        UsageError: a named file is of no table, two files have the same name, or there is none.
    """
    found: list[Part] = []
    left: list[Path] = []
    for path, was_named in files.found(paths):
        mine = [
            Part(table, asked.target(table), path, constants)
            for table in asked.tables
            if (constants := table.constants(path.name)) is not None
        ]
        if not mine and was_named:
            raise _no_table(asked, path)
        found += mine
        left += [] if mine else [path]
    if not found:
        raise UsageError(
            "there is nothing to load",
            why=f"none of {len(left)} files has a name that model {asked.model.name} knows",
            hint=f"labdb catalogue show {asked.model.name} tells the names",
        )
    _refuse_same_names(found)
    return sorted(found, key=lambda part: (str(part.target), part.path.name)), left


def _no_table(asked: Asked, path: Path) -> UsageError:
    patterns = "\n".join(f"{table.name}: {table.files.pattern}" for table in asked.tables)
    return UsageError(
        f"{path.name} is not a file of model {asked.model.name}",
        why=patterns,
        hint="files keep the names that they were published with; choose the model that fits",
    )


def _refuse_same_names(found: Iterable[Part]) -> None:
    seen: dict[tuple[str, str], Path] = {}
    for part in found:
        key = (str(part.target), part.path.name)
        if key in seen:
            raise UsageError(
                f"two files are called {part.path.name}",
                why=f"{seen[key]} and {part.path}",
                hint="the ledger tells files apart by their names; load one of them",
            )
        seen[key] = part.path


def open_part(part: Part) -> Source:
    """Return the part's file, opened."""
    return files.opened(part.path, part.table)


def fitted(found: Sequence[Part]) -> list[Fitted]:
    """Return the parts with how their columns are filled; all mismatches at once.

    Raises:
        DeclarationError: files do not fit the model; the message lists every mismatch.
        RunError: a file is damaged.
    """
    good: list[Fitted] = []
    wrong: dict[str, list[str]] = {}
    for part in found:
        source = open_part(part)
        try:
            filled, mismatches = fit(part.table, source.columns)
            rows, hdus = source.rows, source.hdus
        finally:
            source.close()
        for mismatch in mismatches:
            wrong.setdefault(f"{part.table.name}.{mismatch}", []).append(part.path.name)
        good.append(Fitted(part, tuple(filled), hdus, rows, part.path.stat().st_size))
    if wrong:
        raise DeclarationError(
            f"{len(wrong)} columns do not fit model {found[0].table.model}; no row was read",
            why="\n".join(f"{_some(names)}, {what}" for what, names in wrong.items()),
            hint="choose the model that the files are of, or give it what differs: a copy of the "
            "model's two files, named by path",
        )
    return good


def _some(names: Sequence[str]) -> str:
    if len(names) == 1:
        return names[0]
    shown = ", ".join(names[:SHOWN]) + (", ..." if len(names) > SHOWN else "")
    return f"{len(names)} files ({shown})"
