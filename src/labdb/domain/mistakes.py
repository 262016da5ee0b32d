"""Say what is wrong with a declaration in the words of its author: key, reason, remedy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ValidationError

from labdb.size import UNITS, format_size

TAG = "kind"
"""The key that says what a mapping is where it may be one of several."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """One wrong key: where it stands, what is wrong, and what was probably meant."""

    location: tuple[str | int, ...]
    what: str
    hint: str = ""

    @property
    def key(self) -> str:
        """The dotted key, as people write it."""
        return ".".join(str(part) for part in self.location)


def mistakes(error: ValidationError, model: type[BaseModel]) -> tuple[Mistake, ...]:
    """Return every mistake that *error* found in a mapping meant to be *model*."""
    return tuple(_mistake(item, model) for item in error.errors())


def _mistake(item: Any, model: type[BaseModel]) -> Mistake:
    keys = tuple(_keys(item["loc"], model))
    location = tuple(part for part, _ in keys)
    if item["type"].startswith("union_tag"):
        location = (*location, TAG)
    match item["type"]:
        case "extra_forbidden":
            return Mistake(location, "is not a key that labdb knows", _nearest(*keys[-1]))
        case "missing" | "union_tag_not_found":
            return Mistake(location, "is required and absent")
        case "value_error":
            what, _, hint = str(item["ctx"]["error"]).partition("; did you mean ")
            return Mistake(location, what, f"did you mean {hint}" if hint else "")
        case "literal_error" | "enum" | "union_tag_invalid":
            return _choice(location, item)
        case "greater_than_equal" | "less_than_equal" if limit := _size_limit(item["ctx"]):
            return Mistake(location, f"must be {limit}, not {_given(item)}")
        case _:
            said = item["msg"][0].lower() + item["msg"][1:]
            return Mistake(location, f"{said}, got {item['input']!r}")


def _choice(location: tuple[str | int, ...], item: Any) -> Mistake:
    context = item["ctx"]
    given = context.get("tag", item["input"])
    expected = str(context.get("expected") or context["expected_tags"].replace(", ", " or "))
    words = [part.strip("' ") for part in expected.replace(" or ", ",").split(",")]
    near = get_close_matches(str(given), words, n=1)
    hint = f"did you mean {near[0]}?" if near else ""
    return Mistake(location, f"must be {expected}, not {given!r}", hint)


def _size_limit(context: Any) -> str:
    """Return the limit that a size is beyond; empty when it is no size that is limited.

    Sizes are limited to whole megabytes, other numbers (a VMID) to something else.
    """
    for words, key in (("at least", "ge"), ("at most", "le")):
        limit = context.get(key, 0)
        if limit and limit % UNITS["MB"] == 0:
            return f"{words} {format_size(limit)}"
    return ""


def _given(item: Any) -> str:
    """Return a size as its author wrote it; pydantic has already read it in some fields."""
    return item["input"] if isinstance(item["input"], str) else format_size(item["input"])


def _keys(
    location: Sequence[str | int], model: type[BaseModel]
) -> Iterator[tuple[str | int, type[BaseModel] | None]]:
    """Yield each part of *location* that its author wrote, with the mapping in which it stands.

    Where a mapping may be of several kinds, pydantic tells which after the place: nobody wrote it.
    """
    inner: type[BaseModel] | None = model
    kinds: dict[str, type[BaseModel]] = {}
    for part in location:
        if part in kinds:
            inner, kinds = kinds[str(part)], {}
            continue
        yield part, inner
        if isinstance(part, int) or inner is None:
            continue
        field = inner.model_fields.get(part)
        found = tuple(_models(field.annotation)) if field else ()
        inner = next(iter(found), None)
        kinds = {tag: each for each in found if len(found) > 1 for tag in _tags(each)}


def _tags(model: type[BaseModel]) -> tuple[str, ...]:
    return get_args(model.model_fields[TAG].annotation) if TAG in model.model_fields else ()


def _nearest(key: str | int, model: type[BaseModel] | None) -> str:
    if model is None:
        return ""
    known = list(model.model_fields)
    near = get_close_matches(str(key), known, n=1)
    return f"did you mean {near[0]}?" if near else f"known here: {', '.join(known)}"


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _models(part)
