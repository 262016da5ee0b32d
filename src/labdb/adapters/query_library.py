"""The queries of the library: one SQL file each, with YAML in the comment that it begins with."""

from dataclasses import dataclass
from difflib import get_close_matches

import yaml

from labdb.adapters.content import PACKAGE
from labdb.errors import UsageError
from labdb.spec.research_query import ResearchQuery

FOLDER = PACKAGE / "sql" / "queries"
BEGIN, END = "/*\n", "\n*/\n"


@dataclass(frozen=True, slots=True)
class LibraryQuery:
    """A query: its name, what its front matter says, and its SQL with names in braces."""

    name: str
    about: ResearchQuery
    sql: str


def names() -> tuple[str, ...]:
    """Return the names of all queries."""
    return tuple(sorted(path.stem.replace("_", "-") for path in FOLDER.glob("*.sql")))


def load(name: str) -> LibraryQuery:
    """Return the query called *name*.

    Raises:
        UsageError: there is none of that name.
    """
    known = names()
    if name not in known:
        near = get_close_matches(name, known, n=1)
        raise UsageError(
            f"there is no query {name!r}",
            why=f"labdb has {', '.join(known)}" + (f"; did you mean {near[0]}?" if near else ""),
            hint="labdb query --list tells what each answers",
        )
    text = (FOLDER / f"{name.replace('-', '_')}.sql").read_text(encoding="utf-8")
    front, _, sql = text.removeprefix(BEGIN).partition(END)
    return LibraryQuery(name, ResearchQuery.model_validate(yaml.safe_load(front)), sql.strip())
