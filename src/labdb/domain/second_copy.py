"""Room on the data disk for a second copy of the data, known before anybody asks for one.

A drill restores into ``drill``, ``labdb restore`` into ``restore``, ``labdb restore-in-place``
beside the data directory: folders of the data disk, all of them. Each needs a whole set there and
refuses to begin where the disk would be critically full (:mod:`labdb.domain.recovery.space`). Here
that rule is put to the size that is expected. Rebuilds and temporary files are not counted: they
come and go, and whoever wants a copy waits for them.
"""

from dataclasses import replace

from labdb.domain.machine_health import DISK_CRITICAL
from labdb.domain.recovery import destination
from labdb.domain.recovery.space import restored
from labdb.domain.tuning.inputs import Inputs
from labdb.domain.tuning.space import GB, SpaceLine, lasting
from labdb.report import Finding
from labdb.size import format_size, human_size
from labdb.spec import Server


def largest_data(inputs: Inputs, copies: int = 1) -> int:
    """Return how many bytes the databases may hold while so many *copies* of them still fit.

    Solved for the data: data + the rest + copies x (data + room for WAL) = what may be in use.
    """
    rest = sum(line.size for line in lasting(inputs)) - inputs.load.data
    return max(0, (_usable(inputs) - rest - copies * restored(0)) // (1 + copies))


def smallest_disk(inputs: Inputs) -> int:
    """Return the bytes, in whole GB, of a data disk that holds the expected data and a copy.

    WAL and its queue get a share of a larger disk, less than all of it, so this comes to an end.
    """
    machine, data = inputs.machine, inputs.load.data
    while largest_data(replace(inputs, machine=machine)) < data:
        parts = lasting(replace(inputs, machine=machine))
        needed = sum(line.size for line in parts) + restored(data)
        size = int(needed / DISK_CRITICAL) // GB * GB + GB
        machine = replace(machine, disk=max(size, machine.disk + GB))
    return machine.disk


def copy_finding(server: Server) -> Finding:
    """Return whether drills and restores will find room at the expected size.

    Where drills are written down in the declaration and cannot be made, it is a critical finding.
    """
    inputs = Inputs.of(server)
    most = largest_data(inputs)
    if inputs.load.data > most:
        return _no_room(server, inputs, most)
    kept = human_size(largest_data(inputs, copies=2))
    what = (
        f"drills and restores fit until the databases hold {human_size(most)}; beside a copy that "
        f"is kept, until {kept}"
    )
    return Finding("space.copy", "ok", what)


def _no_room(server: Server, inputs: Inputs, most: int) -> Finding:
    data, disk = inputs.load.data, inputs.machine.disk
    parts = (*lasting(inputs), SpaceLine("a second copy", restored(data), "with WAL to replay"))
    listed = ", ".join(f"{line.name} {human_size(line.size)}" for line in parts)
    larger = format_size(smallest_disk(inputs))
    hint = f"declare storage.data.size: {larger}, or less workload.expected_data"
    if server.backup.drill_is_declared:
        hint += "; without backup.drill in the declaration this is a warning"
    return Finding(
        "space.copy",
        "critical" if server.backup.drill_is_declared else "warning",
        "drills and restores will not fit on the data disk: they do until the databases hold "
        f"{human_size(most)}, and {human_size(data)} are expected",
        f"{listed}; of {human_size(disk)} no more than {DISK_CRITICAL:.0%} may be in use",
        hint,
    )


def _usable(inputs: Inputs) -> int:
    disk = inputs.machine.disk
    return destination.space(disk, disk).usable
