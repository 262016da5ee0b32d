"""The data models that labdb has, and those of the user: two YAML files each."""

from difflib import get_close_matches
from pathlib import Path

import yaml
from pydantic import ValidationError

from labdb.adapters.content import PACKAGE
from labdb.domain.catalogue.migration import Hop
from labdb.domain.catalogue.table import Model, join
from labdb.errors import DeclarationError, UsageError
from labdb.spec.data_migration import Migration
from labdb.spec.data_model import SchemaModel
from labdb.spec.data_source import ModelSource

SHIPPED = PACKAGE / "models"
SOURCES = ".labdb.yaml"


def names() -> tuple[str, ...]:
    """Return the names of the models that labdb has."""
    return tuple(sorted(path.name.removesuffix(SOURCES) for path in SHIPPED.glob(f"*{SOURCES}")))


def place(name: str) -> Path:
    """Return where the Felis file of the model *name* should be; *name* may be its path."""
    path = Path(name)
    return path if path.suffix in (".yaml", ".yml") else SHIPPED / f"{name}.yaml"


def load(name: str) -> Model:
    """Return the model called *name*, or the one in the Felis file that *name* is the path of.

    Raises:
        UsageError: there is none of that name.
        DeclarationError: its files are no data model; the message names file and key.
    """
    path = place(name)
    if not path.is_file():
        near = get_close_matches(name, names(), n=1)
        raise UsageError(
            f"there is no data model {name!r}",
            why=f"labdb has {', '.join(names())}" + (f"; did you mean {near[0]}?" if near else ""),
            hint="name one of them, or the path of a Felis file of your own",
        )
    return read(path)


def migrations(name: str, model: Model) -> dict[str, Hop]:
    """Return the migrations of *model*, which was loaded as *name*, by the version they begin with.

    Raises:
        DeclarationError: a file of theirs is not what it should be.
    """
    found: dict[str, Hop] = {}
    for path in sorted((place(name).parent / "migrations" / model.name).glob("*-*.yaml")):
        begin, _, end = path.stem.partition("-")
        try:
            migration = Migration.model_validate(_yaml(path))
        except ValidationError as error:
            raise _wrong(path, error) from error
        found[begin] = Hop(read(path.with_name(f"{begin}.yaml")), end, migration)
    return found


def read(path: Path) -> Model:
    """Return the model in the Felis file *path* and in its neighbour ``.labdb.yaml``.

    Raises:
        DeclarationError: one of the two is missing or not what it should be.
    """
    sources = path.with_name(path.stem + SOURCES)
    try:
        schema = SchemaModel.model_validate(_yaml(path))
    except ValidationError as error:
        raise _wrong(path, error) from error
    try:
        filled = ModelSource.model_validate(_yaml(sources))
    except ValidationError as error:
        raise _wrong(sources, error) from error
    try:
        return join(schema, filled)
    except ValueError as error:
        raise DeclarationError(
            f"{path.name} and {sources.name} do not belong together",
            why=str(error),
            hint="every table and column that one of them names must be in the Felis file",
        ) from error


def _yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DeclarationError(
            f"{path} cannot be read",
            why=str(error.strerror),
            hint="a model is two files: <name>.yaml for Felis and <name>.labdb.yaml for labdb",
        ) from error
    except yaml.YAMLError as error:
        raise DeclarationError(
            f"{path} is not YAML", why=" ".join(str(error).split()), hint="mend the file"
        ) from error


def _wrong(path: Path, error: ValidationError) -> DeclarationError:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return DeclarationError(
        f"{path.name} is not a data model: {where}",
        why=first["msg"],
        hint="felis validate tells more of the first file; the other is described in the docs",
    )
