"""What a postgresql.conf means: the value of every parameter, the default where it sets none."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache

from labdb.domain.conf_file import ConfFile, Line
from labdb.domain.masked import masked
from labdb.domain.parameters import MEMORY, Parameter, catalogue
from labdb.report import Finding, Severity


@dataclass(frozen=True, slots=True)
class Remark:
    """A finding about a file: *line* 0 and no *parameter* where it is about the whole of it."""

    line: int
    parameter: str
    finding: Finding


@dataclass(frozen=True, slots=True)
class Against:
    """What a file is judged against; *memory* in bytes, None where nobody knows.

    *analysts* is how many big queries run at once. *archiving* says who demands it, and is
    empty where nobody does.
    """

    major: int = 16
    memory: int | None = None
    cores: int | None = None
    analysts: int = 1
    archiving: str = ""


@dataclass(frozen=True, slots=True)
class Values:
    """The values of *file* as PostgreSQL *major* takes them."""

    file: ConfFile
    major: int

    def line(self, name: str) -> Line | None:
        """Return the line that counts for *name*, None where the file does not set it."""
        return self.file.effective.get(name.lower())

    @property
    def accepted(self) -> dict[str, str]:
        """The values that PostgreSQL takes, as text, by its own spelling of the names."""
        found: dict[str, str] = {}
        for line in self.file.effective.values():
            parameter = known(line.name, self.major)
            if parameter is not None and _is_taken(parameter, line.value):
                found[parameter.name] = line.value
        return found

    def value(self, name: str) -> float | str:
        """Return a value in the parameter's own unit; what PostgreSQL would refuse is its default.

        A parameter that *major* does not have is off.
        """
        parameter = known(name, self.major)
        if parameter is None:
            return "off"
        line = self.line(name)
        if line is not None and _is_taken(parameter, line.value):
            return parameter.parse(line.value)
        return parameter.parse(parameter.default)

    def number(self, name: str) -> float:
        """Return a value as a number, in bytes when it is one of memory; -1 stays -1."""
        value, parameter = self.value(name), known(name, self.major)
        if isinstance(value, str) or parameter is None:
            return 0.0
        return value if value < 0 else value * MEMORY.get(parameter.unit, 1)

    def is_on(self, name: str) -> bool:
        """Tell whether a switch, or a parameter with a value of that name, is on."""
        return self.value(name) == "on"

    def remark(self, name: str, check: str, severity: Severity, told: "Told") -> Remark:
        """Return a remark at the line that counts for *name*; at none where there is none."""
        line = self.line(name)
        number = line.number if line else 0
        return remark(number, name, check, severity, told)


@dataclass(frozen=True, slots=True)
class Told:
    """The words of a finding."""

    what: str
    why: str = ""
    hint: str = ""


def remark(line: int, name: str, check: str, severity: Severity, told: Told) -> Remark:
    """Return a remark whose sentence begins with its *line*; 0 for the whole file.

    A password that stands in what is quoted is not told.
    """
    place = f"line {line}: " if line else ""
    return Remark(
        line, name, Finding(check, severity, place + masked(told.what), told.why, told.hint)
    )


def _is_taken(parameter: Parameter, text: str) -> bool:
    try:
        parameter.parse(text)
    except ValueError:
        return False
    return True


def known(name: str, major: int) -> Parameter | None:
    """Return the parameter called *name*, in whatever case, or None."""
    return _by_key(major).get(name.lower())


def nearest(name: str, major: int) -> str:
    """Return the parameter whose name is most like *name*; empty where none is."""
    near = get_close_matches(name.lower(), _by_key(major), n=1)
    return _by_key(major)[near[0]].name if near else ""


@cache
def _by_key(major: int) -> Mapping[str, Parameter]:
    return {name.lower(): parameter for name, parameter in catalogue(major).items()}
