"""What the comments of a postgresql.conf claim, held against what its values do."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from labdb.domain.conf_file import ConfFile, Line
from labdb.domain.conf_values import Against, Remark, Told, Values, known, remark
from labdb.domain.parameters import MEMORY, Parameter
from labdb.size import UNITS, human_size

CHECK = "conf.comment"
TOLERANCE = 0.1
"""Share by which a value may differ from what its comment computes: comments round."""

COMMENTED_OUT = re.compile(r"[A-Za-z_][\w.]*\s*=")
"""A setting that is commented out claims nothing, and neither do the words behind it."""
# "Higher" is said of the value; "fewer" and "more" are mostly said of what comes of it.
MORE = re.compile(r"(?i)\W*(?:higher|increased?|raised?|larger|bigger|boost(?:ed)?)\b")
LESS = re.compile(r"(?i)\W*(?:lower(?:ed)?|reduced?|decreased?|smaller)\b")
ON = re.compile(r"(?i)\W*(?:enabled?|activated?|(?:turned|switched) on)\b")
OFF = re.compile(r"(?i)\W*(?:disabled?|deactivated?|(?:turned|switched) off)\b")
DEFAULT = re.compile(
    r"\W*(?:(?:the|postgresql(?:'s)?|keep|own) )*defaults?(?: value)?\W*", re.IGNORECASE
)
SHARE = re.compile(
    r"(?i)(?P<percent>\d+(?:\.\d+)?)\s*%\s*(?:of\s+)?(?:(?:the|total|all|available|system)\s+)*"
    r"(?:(?P<number>\d+)\s*(?P<unit>[kMGT]B)\s*)?(?:of\s+)?(?:RAM|memory)",
)
CORES = re.compile(
    r"(?i)\W*(?:(?:matches|equals|one (?:for )?each|one per|all|number of|the|of|"
    r"(?P<half>half))\s+)*(?:cpu\s+)?(?:cores?|v?cpus?)\W*",
)
QUANTITY = re.compile(r"\d+(?:\.\d+)?\s*(?:kB|MB|GB|TB|us|ms|s|min|h|d)")


def comments(file: ConfFile) -> Iterator[Line]:
    """Yield the lines whose comment is prose: no settings that are commented out."""
    is_out = False
    for line in file.lines:
        goes_on = line.text[:1].isspace() and not line.name
        is_out = bool(COMMENTED_OUT.match(line.comment)) or (is_out and goes_on)
        if line.comment and not is_out:
            yield line


def claims(values: Values, against: Against) -> Iterator[Remark]:
    """Yield each comment of a setting that claims something else than its value does."""
    effective = values.file.effective.values()
    for line in effective:
        parameter = known(line.name, values.major)
        if parameter is None:
            continue
        for comment in _said(values.file, line):
            claim = _Claim(values, against, line, parameter, comment)
            wrong = next((told for judge in _JUDGES if (told := judge(claim))), None)
            if wrong:
                yield remark(
                    line.number,
                    parameter.name,
                    CHECK,
                    "warning",
                    Told(
                        f'the comment of {parameter.name} says "{comment}", and {wrong}',
                        "whoever reads it believes the comment",
                        "mend the value or the comment",
                    ),
                )


def _said(file: ConfFile, line: Line) -> Iterator[str]:
    """Yield the comment of *line*, and the one above it when that is about no other line."""
    if line.comment:
        yield line.comment
    index = line.number - 1
    above = file.lines[index - 1] if index else None
    below = file.lines[index + 1] if index + 1 < len(file.lines) else None
    alone = below is None or not below.name
    is_prose = above and not above.name and not COMMENTED_OUT.match(above.comment)
    if above and is_prose and alone and above.comment:
        yield above.comment


@dataclass(frozen=True, slots=True)
class _Claim:
    """A comment and the setting that it is about."""

    values: Values
    against: Against
    line: Line
    parameter: Parameter
    comment: str

    @property
    def value(self) -> float | str:
        return self.values.value(self.line.name)

    @property
    def default(self) -> float | str:
        return self.parameter.parse(self.parameter.default)

    @property
    def shown(self) -> str:
        return self.line.value


def _comparison(claim: _Claim) -> str:
    """Tell what contradicts a comment that the value was raised, or lowered."""
    value, default = claim.value, claim.default
    more, less = MORE.match(claim.comment), LESS.match(claim.comment)
    if not (more or less) or isinstance(value, str) or isinstance(default, str):
        return ""
    if value == default:
        return f"{claim.shown} is PostgreSQL's default"
    if min(value, default) < 0 or (value > default) is bool(more):  # -1 means something else
        return ""
    return f"{claim.shown} is {'less' if more else 'more'} than the default {_default(claim)}"


def _switch(claim: _Claim) -> str:
    """Tell what contradicts a comment that something is on, or off."""
    value = claim.value
    if ON.match(claim.comment) and value == "off":
        return "it is off"
    if OFF.match(claim.comment) and value == "on":
        return "it is on"
    return ""


def _as_default(claim: _Claim) -> str:
    if not DEFAULT.fullmatch(claim.comment) or claim.value == claim.default:
        return ""
    return f"the default is {_default(claim)}"


def _share_of_memory(claim: _Claim) -> str:
    """Tell what contradicts a comment such as ``25% of 32GB RAM``."""
    found = SHARE.search(claim.comment)
    size = claim.values.number(claim.line.name)
    if found is None or claim.parameter.unit not in MEMORY or size < 0:
        return ""
    whole = int(found["number"]) * UNITS[_unit(found["unit"])] if found["number"] else None
    whole = whole or claim.against.memory
    if not whole:
        return ""
    said = float(found["percent"]) / 100 * whole
    if abs(size - said) <= TOLERANCE * said:
        return ""
    return (
        f"{found['percent']} % of {human_size(whole)} is {human_size(said)}, not {human_size(size)}"
    )


def _number_of_cores(claim: _Claim) -> str:
    """Tell what contradicts a comment such as ``= cores`` or ``half of the cores``."""
    found, cores, value = CORES.fullmatch(claim.comment), claim.against.cores, claim.value
    if found is None or cores is None or isinstance(value, str):
        return ""
    said = max(1, cores // 2) if found["half"] else cores
    return "" if value == said else f"the machine has {cores} cores"


def _same_quantity(claim: _Claim) -> str:
    """Tell what contradicts a comment that is nothing but a size or a time."""
    if not QUANTITY.fullmatch(claim.comment):
        return ""
    try:
        said = claim.parameter.parse(claim.comment)
    except ValueError:
        return ""
    return "" if said == claim.value else f"the value is {claim.shown}"


_JUDGES: tuple[Callable[[_Claim], str], ...] = (
    _comparison,
    _switch,
    _as_default,
    _share_of_memory,
    _number_of_cores,
    _same_quantity,
)


def _default(claim: _Claim) -> str:
    unit = claim.parameter.unit
    return f"{claim.parameter.default}{f' (unit {unit})' if unit else ''}"


def _unit(text: str) -> str:
    return next(unit for unit in UNITS if unit.lower() == text.lower())
