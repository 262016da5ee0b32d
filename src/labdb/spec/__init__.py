"""What is DECLARED: machines, and the environment (cluster, monitoring) they live in.

Every field carries its description; the JSON Schema and the reference page are made from
them. Values are frozen, unknown keys are refused, sizes carry a unit.
"""

from labdb.spec.access import (
    Access,
    Client,
    Database,
    DatabaseRole,
    DatabaseSettings,
    Pooling,
    RoleKind,
)
from labdb.spec.backup import (
    Backup,
    Drill,
    Export,
    Invariant,
)
from labdb.spec.base import IDENTIFIER, NAME, AbsolutePath, Declared
from labdb.spec.environment import Environment, ProxmoxApi
from labdb.spec.guest import (
    Boot,
    CloudInit,
    Cpu,
    Disk,
    Guest,
    GuestBackup,
    GuestNetwork,
    Template,
    Volume,
)
from labdb.spec.machine import Machine
from labdb.spec.monitoring import Monitoring
from labdb.spec.project import Person, PersonKind, ProfileName, Project, ProjectLimits
from labdb.spec.repositories import OffHostRepository, S3Repository, SftpRepository
from labdb.spec.repository_host import (
    RepositoryAccess,
    RepositoryHost,
    RepositoryStorage,
    StoringServer,
)
from labdb.spec.schedule import OffHostSchedule, Schedule
from labdb.spec.server import (
    Postgresql,
    Repository,
    Server,
    Storage,
    Tls,
    Workload,
    WorkloadKind,
)

__all__ = [
    "IDENTIFIER",
    "NAME",
    "AbsolutePath",
    "Access",
    "Backup",
    "Boot",
    "Client",
    "CloudInit",
    "Cpu",
    "Database",
    "DatabaseRole",
    "DatabaseSettings",
    "Declared",
    "Disk",
    "Drill",
    "Environment",
    "Export",
    "Guest",
    "GuestBackup",
    "GuestNetwork",
    "Invariant",
    "Machine",
    "Monitoring",
    "OffHostRepository",
    "OffHostSchedule",
    "Person",
    "PersonKind",
    "Pooling",
    "Postgresql",
    "ProfileName",
    "Project",
    "ProjectLimits",
    "ProxmoxApi",
    "Repository",
    "RepositoryAccess",
    "RepositoryHost",
    "RepositoryStorage",
    "RoleKind",
    "S3Repository",
    "Schedule",
    "Server",
    "SftpRepository",
    "Storage",
    "StoringServer",
    "Template",
    "Tls",
    "Volume",
    "Workload",
    "WorkloadKind",
]
