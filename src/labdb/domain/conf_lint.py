"""Look through a postgresql.conf for what PostgreSQL would not say, or would say too late."""

import re
from collections.abc import Callable, Iterator
from itertools import chain

from labdb.domain.conf_claims import claims
from labdb.domain.conf_file import ConfFile, Line
from labdb.domain.conf_memory import memory
from labdb.domain.conf_promises import archiving, logging
from labdb.domain.conf_safety import durability, missed, network, passwords
from labdb.domain.conf_values import Against, Remark, Told, Values, known, nearest, remark
from labdb.domain.parameters import MEMORY, TIME, Parameter
from labdb.domain.retired_parameters import OLD_VALUES, arrives, retired
from labdb.report import Severity

ORDER: dict[Severity, int] = {"critical": 0, "warning": 1, "info": 2, "ok": 3}
_UNIT = re.compile(r"(?P<number>[-+]?[\d.]+)\s*(?P<unit>[A-Za-z]+)")


def lint(file: ConfFile, against: Against) -> tuple[Remark, ...]:
    """Return what there is to say about *file*, the worst first, then by line."""
    values = Values(file, against.major)
    found = chain.from_iterable(check(values, against) for check in CHECKS)
    return tuple(sorted(found, key=lambda item: (ORDER[item.finding.severity], item.line)))


def syntax(values: Values, _: Against) -> Iterator[Remark]:
    """Yield lines that PostgreSQL cannot read, and files that were not looked into."""
    for line in values.file.lines:
        if line.wrong:
            told = Told(
                line.wrong, "PostgreSQL refuses the whole file", "write it as: name = 'value'"
            )
            yield remark(line.number, line.name, "conf.syntax", "critical", told)
        elif line.is_include:
            told = Told(f"{line.name} {line.value} was not followed", hint="lint that file too")
            yield remark(line.number, line.name, "conf.include", "info", told)


def duplicates(values: Values, _: Against) -> Iterator[Remark]:
    """Yield settings that a later line overrules."""
    last = values.file.effective
    for line in values.file.settings:
        winner = last[line.key]
        if line is not winner:
            told = Told(
                f"{line.name} = {line.value} does not count: line {winner.number} sets "
                f"{winner.value}",
                "the last one wins",
                "remove one of them",
            )
            yield remark(line.number, line.name, "conf.duplicate", "warning", told)


def names(values: Values, against: Against) -> Iterator[Remark]:
    """Yield parameters that this major version does not have."""
    for line in values.file.settings:
        if known(line.name, against.major) is None and not _is_custom(line.name, against.major):
            severity, told = _unknown(line.name, against.major)
            yield remark(line.number, line.name, "conf.unknown", severity, told)


def ranges(values: Values, against: Against) -> Iterator[Remark]:
    """Yield values that their parameter does not take."""
    for line in values.file.settings:
        parameter = known(line.name, against.major)
        if parameter is None:
            continue
        if meaning := OLD_VALUES.get((parameter.name, line.value.lower())):
            told = Told(f"{line.name} = {line.value} is an old word for {meaning}", hint=meaning)
            yield remark(line.number, parameter.name, "conf.value", "warning", told)
            continue
        try:
            parameter.parse(line.value)
        except ValueError as error:
            told = Told(
                f"{line.name}: {error}",
                "PostgreSQL refuses the whole file",
                _meant(line, parameter),
            )
            yield remark(line.number, parameter.name, "conf.value", "critical", told)


def defaults(values: Values, against: Against) -> Iterator[Remark]:
    """Yield settings that change nothing."""
    for line in values.file.effective.values():
        parameter = known(line.name, against.major)
        if parameter is None or not parameter.default:
            continue
        try:
            same = parameter.parse(line.value) == parameter.parse(parameter.default)
        except ValueError:
            continue
        if same:
            told = Told(f"{parameter.name} = {line.value} is PostgreSQL's default")
            yield remark(line.number, parameter.name, "conf.default", "info", told)


def restarts(values: Values, against: Against) -> Iterator[Remark]:
    """Yield one remark with all settings that only a restart brings into effect."""
    found = [
        line.name
        for line in values.file.effective.values()
        if (parameter := known(line.name, against.major)) and parameter.needs_restart
    ]
    if found:
        told = Told(f"only a restart brings into effect: {', '.join(sorted(found))}")
        yield remark(0, "", "conf.restart", "info", told)


Check = Callable[[Values, Against], Iterator[Remark]]
CHECKS: tuple[Check, ...] = (
    syntax,
    duplicates,
    names,
    ranges,
    memory,
    archiving,
    durability,
    network,
    passwords,
    claims,
    logging,
    defaults,
    missed,
    restarts,
)


def _is_custom(name: str, major: int) -> bool:
    """Tell whether *name* belongs to an extension of which nothing is known."""
    prefix, dot, _ = name.partition(".")
    return bool(dot) and prefix.lower() != "pg_stat_statements" and known(name, major) is None


def _unknown(name: str, major: int) -> tuple[Severity, Told]:
    refused = "PostgreSQL refuses the whole file"
    if gone := retired(name, major):
        verb = f"gave way to {gone.instead}" if gone.instead else "was removed"
        what = f"{name} {verb} in PostgreSQL {gone.since}"
        hint = f"write {gone.instead}" if gone.instead else "remove the line"
        if gone.read:
            why = "the old name is still read" if gone.instead else "the line has no effect"
            return "warning", Told(what, why, hint)
        return "critical", Told(what, refused, hint)
    if later := arrives(name, major):
        return "critical", Told(
            f"{name} comes with PostgreSQL {later}, this is {major}", refused, "remove the line"
        )
    near = nearest(name, major)
    return "critical", Told(
        f"PostgreSQL {major} has no parameter {name}",
        refused,
        f"did you mean {near}?" if near else "remove the line",
    )


def _meant(line: Line, parameter: Parameter) -> str:
    """Return the spelling of a value that was probably meant."""
    found = _UNIT.fullmatch(line.value.strip())
    for units in (MEMORY, TIME):
        if found is None or parameter.unit not in units:
            continue
        spelled = found["unit"].lower().replace("ib", "b")
        for unit in units:
            if unit.lower() == spelled or unit.lower() == f"{spelled}b":
                return f"did you mean {found['number']}{unit}?"
        return f"units are {', '.join(unit for unit in units if not unit[0].isdigit())}"
    return f"its type is {parameter.type}"
