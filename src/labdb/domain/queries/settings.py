"""Values of a query's parameters: read from text, checked, and never put into the SQL."""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from labdb.spec.research_query import Parameter, Value


def settings(parameters: Mapping[str, Parameter], given: Sequence[str]) -> dict[str, Value]:
    """Return the value of each of *parameters*: as *given*, ``NAME=VALUE``, or its default.

    Raises:
        ValueError: a name is unknown or comes twice, a value is none of its type or out of its
            range, or one that has no default is missing. The message tells all that are missing.
    """
    found: dict[str, Value] = {}
    for text in given:
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals:
            raise ValueError(f"{text!r} is not NAME=VALUE")
        if name not in parameters:
            near = get_close_matches(name, parameters, n=1)
            guess = f"; did you mean {near[0]}?" if near else ""
            there = ", ".join(parameters)
            raise ValueError(f"there is no parameter {name!r}, but {there}{guess}")
        if name in found:
            raise ValueError(f"{name} is given twice")
        found[name] = _value(name, parameters[name], value.strip())
    missing = [
        f"{name} ({one.what})"
        for name, one in parameters.items()
        if name not in found and one.default is None
    ]
    if missing:
        raise ValueError(f"missing: {', '.join(missing)}")
    defaults = {name: one.default for name, one in parameters.items() if one.default is not None}
    return defaults | found


def _value(name: str, parameter: Parameter, text: str) -> Value:
    if parameter.type == "text":
        return _text(name, parameter, text)
    try:
        number = int(text) if parameter.type == "integer" else float(text)
    except ValueError:
        raise ValueError(f"{name}={text}: that is no {parameter.type}") from None
    if not math.isfinite(number):
        raise ValueError(f"{name}={text}: that is no number that can be compared")
    low, high = parameter.minimum, parameter.maximum
    if (low is not None and number < low) or (high is not None and number > high):
        raise ValueError(f"{name}={text} is out of {_range(low, high)}")
    return number


def _range(low: float | None, high: float | None) -> str:
    ends = ("" if low is None else f"{low:g}", "" if high is None else f"{high:g}")
    return "..".join(ends)


def _text(name: str, parameter: Parameter, text: str) -> str:
    if "\0" in text:
        raise ValueError(f"{name} holds a NUL byte")
    if parameter.values and text not in parameter.values:
        raise ValueError(f"{name}={text} is none of {', '.join(parameter.values)}")
    return text
