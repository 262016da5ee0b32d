"""labdb's parameters beside those that other tuners would write, and what each promises."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from labdb.domain.parameters import MEMORY, TIME, Parameter, lookup
from labdb.domain.peers import Peer
from labdb.domain.tuning import Inputs, Tuning
from labdb.domain.tuning.observation import observation_settings
from labdb.domain.tuning.promise import Promise, promise
from labdb.size import format_size
from labdb.spec import RoleKind

LABDB = "labdb"
ANALYST: RoleKind = "analyst"
NOT_COMPARED = {
    "wal_level",
    "max_wal_senders",
    *(setting.name for setting in observation_settings()),
}
"""Logging, statistics and replication: the peers' own are left out, so labdb's are too."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A tuner's value of a parameter.

    *written* is its text as the tool writes it, None where PostgreSQL's default is left
    standing; *value* is the same for all tools that mean the same.
    """

    value: str
    written: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """A parameter of the whole server, or of the analysts' *role*, by the tuner's name."""

    name: str
    role: str | None
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Comparison:
    """The parameters on which somebody differs, and what each configuration promises."""

    rows: tuple[Row, ...]
    promises: Mapping[str, Promise]

    def to_dict(self) -> dict[str, Any]:
        """Return the comparison as the JSON envelope has it."""
        return {
            "tuners": list(self.promises),
            "parameters": [
                {
                    "name": row.name,
                    "role": row.role,
                    "values": {who: asdict(cell) for who, cell in row.cells.items()},
                }
                for row in self.rows
            ],
            "memory": {
                who: {
                    "worst_case": promised.total,
                    "fits": promised.fits,
                    "one_sort_each": promised.one_sort_each,
                    "connections": promised.connections,
                    "parts": {line.name: line.size for line in promised.lines},
                }
                for who, promised in self.promises.items()
            },
        }


def compare(
    peers: Mapping[str, Peer], found: Tuning, inputs: Inputs, *, only: Collection[str] = ()
) -> Comparison:
    """Compare labdb's tuning with *peers*.

    Args:
        peers: whom to compare with, by name.
        found: what labdb computed for *inputs*.
        inputs: machine, load and major.
        only: names of parameters to show even where all agree, and none beside them.
    """
    machine, load, major = inputs.machine, inputs.load, inputs.major
    own = {setting.name: setting.value for setting in found.settings}
    written = {LABDB: own} | {name: peer(machine, load, major) for name, peer in peers.items()}
    analyst = found.roles[ANALYST]
    rows = tuple(
        row
        for row in _rows(written, analyst, major)
        if (row.name in only if only else _differs(row, lookup(row.name, major)))
    )
    promises = {
        name: promise(settings, inputs, analyst if name == LABDB else None)
        for name, settings in written.items()
    }
    return Comparison(rows, promises)


def _rows(
    written: Mapping[str, Mapping[str, str]], analyst: Mapping[str, str], major: int
) -> Iterator[Row]:
    names = dict.fromkeys(name for settings in written.values() for name in settings)
    for name in names:
        if name in NOT_COMPARED:
            continue
        parameter = lookup(name, major)
        cells = {who: _cell(parameter, settings.get(name)) for who, settings in written.items()}
        yield Row(name, None, cells)
        special = _cell(parameter, analyst[name]) if name in analyst else cells[LABDB]
        if special.value != cells[LABDB].value:
            yield Row(name, ANALYST, cells | {LABDB: special})


def _differs(row: Row, parameter: Parameter) -> bool:
    return len({cell.value for cell in row.cells.values()} | {_cell(parameter, None).value}) > 1


def _cell(parameter: Parameter, written: str | None) -> Cell:
    return Cell(_value(parameter, parameter.default if written is None else written), written)


def _value(parameter: Parameter, text: str) -> str:
    """Return *text* in the one form that all tools' values are shown in."""
    try:
        number = parameter.parse(text)
    except ValueError:  # another build's value, like io_uring
        return text
    if isinstance(number, str):
        return number
    if parameter.unit in MEMORY and number > 0:
        return format_size(int(number * MEMORY[parameter.unit]))
    if parameter.unit in TIME and number > 0:
        return _duration(number * TIME[parameter.unit])
    return f"{number:.15g}"


def _duration(milliseconds: float) -> str:
    """Return a time in the largest unit that divides it."""
    for unit, size in reversed(TIME.items()):
        if milliseconds % size == 0:
            return f"{milliseconds / size:.15g}{unit}"
    return f"{milliseconds:g}ms"
