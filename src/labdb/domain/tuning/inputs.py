"""What tuning is computed from: a machine, a load, a major version, and what is set by hand.

Nothing of it is observed. A guest's own word for its memory depends on balloons and
containers; what is declared, or given as flags of a what-if, does not.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from labdb.domain.connections import analysts_at_once, server_connections
from labdb.domain.overrides import overrides
from labdb.domain.parameters import MEMORY, lookup
from labdb.spec import Server, WorkloadKind

Medium = Literal["nvme", "ssd", "hdd"]


@dataclass(frozen=True, slots=True)
class Machine:
    """What PostgreSQL runs on; sizes in bytes.

    *wal_disk* and *backup_disk* are None where WAL or the backup repository stand on the
    data disk.
    """

    cores: int
    memory: int
    disk: int
    medium: Medium = "nvme"
    wal_disk: int | None = None
    backup_disk: int | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What is asked of it: *connections* in all, *analysts* whose big queries run at once.

    *data* is the expected size of all databases in bytes. *wal_rate* is the WAL that its
    heaviest hours write, in bytes a second; None where nobody measured it. A crash may
    take *recovery* seconds to recover from.
    """

    kind: WorkloadKind
    connections: int
    analysts: int
    data: int
    wal_rate: int | None = None
    recovery: int = 180

    @property
    def plain(self) -> int:
        """Connections that are no analyst's."""
        return max(0, self.connections - self.analysts)


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a value may depend on; *by_hand* holds parameters set by hand, as text.

    *accept_risk* tells that a memory budget which does not hold is no reason to refuse.
    """

    machine: Machine
    load: Load
    major: int = 16
    by_hand: Mapping[str, str] = field(default_factory=dict)
    subject: str = "this server"
    accept_risk: bool = False

    @classmethod
    def of(cls, server: Server) -> "Inputs":
        """Return the inputs that *server* declares.

        Raises:
            DeclarationError: a parameter set by hand is unknown, unsafe, or out of its range.
        """
        return cls(
            machine=Machine(
                cores=server.guest.cpu.total,
                memory=server.guest.memory,
                disk=server.storage.data.size,
                medium=server.storage.kind,
                backup_disk=server.storage.backup.size,
            ),
            load=Load(
                kind=server.workload.kind,
                connections=server_connections(server),
                analysts=analysts_at_once(server),
                data=server.workload.expected_data,
                wal_rate=server.workload.wal_rate,
                recovery=server.workload.crash_recovery_seconds,
            ),
            major=server.postgresql.major,
            by_hand=overrides(server),
            subject=server.name,
            accept_risk=server.postgresql.accept_risk,
        )

    def amount(self, name: str) -> float | None:
        """Return the value set by hand of parameter *name*, in bytes when it is one of memory.

        None when nothing is set, or -1: then PostgreSQL or labdb chooses.
        """
        text = self.by_hand.get(name)
        if text is None:
            return None
        parameter = lookup(name, self.major)
        number = parameter.parse(text)
        if isinstance(number, str) or number < 0:
            return None
        return number * MEMORY.get(parameter.unit, 1)
