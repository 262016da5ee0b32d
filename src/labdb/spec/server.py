"""The whole server: guest and PostgreSQL as one thing."""

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from labdb.size import Size
from labdb.spec.access import Access, Pooling
from labdb.spec.backup import Backup
from labdb.spec.base import IDENTIFIER, AbsolutePath, Declared
from labdb.spec.guest import Disk, Volume
from labdb.spec.machine import Machine
from labdb.spec.monitoring import Monitoring
from labdb.spec.project import Project, collisions
from labdb.spec.repositories import OffHostRepository, S3Repository, SftpRepository
from labdb.spec.schedule import Schedule


class Storage(Declared):
    """The disks of the guest and what may be used on the data disk."""

    system: Disk
    data: Volume
    backup: Volume
    kind: Literal["nvme", "ssd", "hdd"] = Field(
        default="nvme", description="Medium below the data disk; sets the planner's page costs."
    )

    @model_validator(mode="after")
    def _slots_differ(self) -> Self:
        disks = (self.system, self.data, self.backup)
        if len({disk.slot for disk in disks}) < len(disks):
            raise ValueError("system, data and backup need three different slots")
        if self.data.mount == self.backup.mount or self.data.serial == self.backup.serial:
            raise ValueError("data and backup need mount points and serials of their own")
        return self


class Repository(Declared):
    """Where the PostgreSQL packages come from."""

    url: str = Field(
        default="https://apt.postgresql.org/pub/repos/apt",
        pattern=r"^https?://",
        description="PGDG apt repository or a mirror of it.",
    )
    key_url: str = Field(
        default="https://www.postgresql.org/media/keys/ACCC4CF8.asc",
        pattern=r"^https?://",
        description="The repository's signing key.",
    )
    key_sha256: str | None = Field(
        default=None, pattern=r"^[0-9a-f]{64}$", description="Checksum of the key file."
    )


class Tls(Declared):
    """The server certificate."""

    source: Literal["own-ca", "given"] = Field(
        default="own-ca", description="Signed by labdb's own CA, or given as files."
    )
    certificate_file: str | None = Field(default=None, description="Certificate (source: given).")
    key_file: str | None = Field(default=None, description="Private key (source: given).")
    valid_days: int = Field(default=397, ge=1, description="Validity of an issued certificate.")
    renew_days: int = Field(default=30, ge=1, description="Renew when fewer days remain.")

    @model_validator(mode="after")
    def _given_needs_files(self) -> Self:
        if (self.source == "given") != bool(self.certificate_file and self.key_file):
            raise ValueError(
                "certificate_file and key_file belong to source: given, and it needs both"
            )
        return self


class Postgresql(Declared):
    """The PostgreSQL cluster."""

    major: Literal[16, 17, 18] = Field(default=16, description="Major version.")
    cluster: str = Field(default="main", pattern=IDENTIFIER, description="Debian cluster name.")
    port: int = Field(default=5432, ge=1024, le=65535, description="TCP port.")
    data_directory: AbsolutePath = Field(description="PGDATA, below the data disk's mount point.")
    locale: str = Field(default="en_US.UTF-8", description="Locale of the cluster.")
    timezone: str = Field(default="UTC", description="TimeZone and log_timezone.")
    repository: Repository = Repository()
    tls: Tls = Tls()
    parameters: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="Parameters that win over the computed ones."
    )
    accept_risk: bool = Field(
        default=False,
        description="Go on although the memory budget does not hold; every plan says so.",
    )


class WorkloadKind(StrEnum):
    """What the server mostly does."""

    OLTP = "oltp"
    OLAP = "olap"
    MIXED = "mixed"
    INGEST = "ingest"


class Workload(Declared):
    """What the tuning is computed for."""

    kind: WorkloadKind = Field(default=WorkloadKind.MIXED, description="Mix of queries.")
    max_connections: int = Field(default=200, ge=10, le=2000, description="Client connections.")
    analytic_sessions: int = Field(
        default=4, ge=1, le=500, description="Analysts whose big queries run at the same time."
    )
    expected_data: Size = Field(
        default=60 << 30,
        validate_default=False,
        json_schema_extra={"default": "60GB"},
        description="Expected size of all databases.",
    )
    wal_rate: Size | None = Field(
        default=None,
        description="WAL written in a second of the heaviest hours, for example 20MB, as "
        "labdb status measures it; bounds max_wal_size from above.",
    )
    crash_recovery_seconds: int = Field(
        default=180,
        ge=30,
        le=3600,
        description="Longest crash recovery; max_wal_size follows from it.",
    )

    @model_validator(mode="after")
    def _analysts_connect(self) -> Self:
        if self.analytic_sessions > self.max_connections:
            raise ValueError(
                f"{self.analytic_sessions} analytic_sessions need as many connections, and "
                f"max_connections is {self.max_connections}"
            )
        return self


class Server(Machine):
    """The whole server: guest and PostgreSQL as one thing."""

    storage: Storage
    postgresql: Postgresql
    workload: Workload = Workload()
    access: Access
    pooling: Pooling | None = Field(default=None, description="PgBouncer, none when absent.")
    backup: Backup = Backup()
    monitoring: Monitoring
    projects: tuple[Project, ...] = Field(
        default=(), description="Research projects, each apart from the others."
    )

    @property
    def disks(self) -> tuple[tuple[str, Disk], ...]:
        """Every disk with what it is for."""
        storage = self.storage
        return (("system", storage.system), ("data", storage.data), ("backup", storage.backup))

    @property
    def stanza(self) -> str:
        """The pgBackRest stanza."""
        return self.backup.stanza or self.name

    @property
    def repositories(self) -> dict[int, OffHostRepository]:
        """Repositories off the host, by pgBackRest's number; 1 is the server's own volume."""
        return dict(enumerate(self.backup.repositories, 2))

    @property
    def repository_hosts(self) -> dict[str, int]:
        """Hosts that keep backups, each with pgBackRest's number of the repository there."""
        return {
            repository.host: number
            for number, repository in self.repositories.items()
            if isinstance(repository, SftpRepository)
        }

    @property
    def object_stores(self) -> dict[int, S3Repository]:
        """Repositories in buckets, by pgBackRest's number."""
        return {
            number: repository
            for number, repository in self.repositories.items()
            if isinstance(repository, S3Repository)
        }

    @property
    def schedules(self) -> dict[int, Schedule]:
        """When backups are made, by pgBackRest's number of the repository."""
        off = {number: repository.schedule for number, repository in self.repositories.items()}
        return {1: self.backup.schedule, **off}

    @property
    def retention_days(self) -> dict[int, int]:
        """Days that full backups are kept, by pgBackRest's number of the repository."""
        off = {number: item.retention_days for number, item in self.repositories.items()}
        return {1: self.backup.retention_days, **off}

    @model_validator(mode="after")
    def _pooler_has_its_own(self) -> Self:
        if self.pooling and self.pooling.port == self.postgresql.port:
            raise ValueError(f"pooling.port {self.pooling.port} is PostgreSQL's own")
        if self.pooling and "pgbouncer" in {role.name for role in self.access.roles}:
            raise ValueError("role pgbouncer is the pooler's own; give yours another name")
        return self

    @model_validator(mode="after")
    def _projects_have_names_of_their_own(self) -> Self:
        if found := tuple(collisions(self.access, self.projects)):
            raise ValueError("; ".join(found))
        return self

    @model_validator(mode="after")
    def _data_on_the_data_disk(self) -> Self:
        if not self.postgresql.data_directory.startswith(self.storage.data.mount + "/"):
            raise ValueError(
                f"postgresql.data_directory {self.postgresql.data_directory} "
                f"must lie below storage.data.mount {self.storage.data.mount}"
            )
        return self
