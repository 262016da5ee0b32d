"""What is DECLARED: one server, and the environment (cluster, monitoring) it lives in.

Every field carries its description; the JSON Schema and the reference page are made from
them. Values are frozen, unknown keys are refused, sizes carry a unit.
"""

from enum import StrEnum
from ipaddress import IPv4Interface, IPv4Network
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from labdb.size import Size

NAME = r"^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$"
IDENTIFIER = r"^[a-z_][a-z0-9_]{0,62}$"
WIDEST_CLIENT_NETWORK = 8  # the widest private range, 10.0.0.0/8
DISK_SLOT = r"^scsi([0-9]|[12][0-9]|30)$"
CALENDAR = "systemd.time(7) calendar expression, for example '*-*-* 02:00:00'"


class Declared(BaseModel):
    """Base of every declared mapping: frozen, and refusing keys it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


class Template(Declared):
    """The VM template that the guest is cloned from."""

    vmid: int = Field(ge=100, le=999_999_999, description="VMID of the template.")
    node: str | None = Field(
        default=None, pattern=NAME, description="Node that holds it; the guest's node when absent."
    )


class Cpu(Declared):
    """Virtual processors."""

    sockets: int = Field(default=1, ge=1, le=4, description="Sockets; 1 on a one-socket node.")
    cores: int = Field(ge=1, le=128, description="Cores of each socket.")
    type: str = Field(default="host", description="QEMU CPU type; host never migrates live.")
    numa: bool = Field(default=False, description="Show NUMA nodes to the guest.")

    @property
    def total(self) -> int:
        """Number of virtual processors that PostgreSQL sees."""
        return self.sockets * self.cores


class GuestNetwork(Declared):
    """The guest's one network interface, net0."""

    bridge: str = Field(description="Bridge of the node, for example vmbr1.")
    vlan: int | None = Field(default=None, ge=1, le=4094, description="802.1Q tag.")
    address: IPv4Interface = Field(description="Address with prefix, for example 10.25.20.8/24.")
    gateway: str = Field(description="Default gateway.")
    nameservers: tuple[str, ...] = Field(
        min_length=1,
        description="DNS servers; always set, else the node's own would leak into cloud-init.",
    )
    search_domain: str = Field(description="DNS search domain, also the guest's own domain.")
    firewall: bool = Field(default=True, description="Proxmox firewall on net0.")


class CloudInit(Declared):
    """What cloud-init sets at first boot."""

    user: str = Field(default="labdb", pattern=IDENTIFIER, description="Operating-system user.")
    authorized_key_files: tuple[str, ...] = Field(
        min_length=1,
        description="Public key files, relative to the inventory, or below ~ or $LABDB_STATE.",
    )


class Boot(Declared):
    """Start and shutdown with the node."""

    on_boot: bool = Field(default=True, description="Start with the node.")
    order: int = Field(default=20, ge=0, description="Start order in the cluster.")
    up_seconds: int = Field(default=30, ge=0, description="Wait after starting this guest.")
    down_seconds: int = Field(
        default=600, ge=30, description="Longest shutdown; a checkpoint must fit in it."
    )


class GuestBackup(Declared):
    """A vzdump job for the whole VM; not a substitute for pgBackRest."""

    storage: str = Field(description="Proxmox storage that takes the backups.")
    schedule: str = Field(default="03:00", description="Proxmox calendar event.")
    keep_daily: int = Field(default=30, ge=1, description="Daily backups kept.")


class Guest(Declared):
    """The virtual machine."""

    vmid: int = Field(ge=100, le=999_999_999, description="VMID, unique in the cluster.")
    node: str = Field(pattern=NAME, description="Proxmox node.")
    template: Template
    cpu: Cpu
    memory: Size = Field(
        default=8 << 30,
        ge=1 << 30,
        validate_default=False,
        json_schema_extra={"default": "8GB"},
        description="Memory; balloon is always set equal to it.",
    )
    network: GuestNetwork
    cloud_init: CloudInit
    boot: Boot = Boot()
    tags: tuple[Annotated[str, Field(pattern=r"^[a-z0-9_][a-z0-9_.+-]*$")], ...] = Field(
        default=(), description="Proxmox tags."
    )
    protection: bool = Field(default=True, description="Refuse removal of the VM in Proxmox.")
    backup: GuestBackup | None = Field(default=None, description="vzdump job, none when absent.")


def _absolute(path: str) -> str:
    if not path.startswith("/") or path.rstrip("/") == "":
        raise ValueError(f"{path!r} is not an absolute path below /")
    return path.rstrip("/")


AbsolutePath = Annotated[str, AfterValidator(_absolute)]


class Disk(Declared):
    """A disk of the guest; disks only ever grow."""

    slot: str = Field(pattern=DISK_SLOT, description="SCSI slot, for example scsi1.")
    storage: str = Field(description="Proxmox storage of the volume.")
    size: Size = Field(ge=1 << 30, description="Size; growing it grows the file system.")


class Volume(Disk):
    """A disk with a file system of its own."""

    serial: str = Field(
        pattern=r"^[a-z0-9]{1,20}$", description="SCSI serial, found below /dev/disk/by-id."
    )
    mount: AbsolutePath = Field(description="Mount point.")
    filesystem: Literal["xfs", "ext4"] = Field(default="xfs", description="File system.")


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


RoleKind = Literal["admin", "owner", "loader", "analyst", "application", "monitoring", "backup"]


class DatabaseRole(Declared):
    """A PostgreSQL role that can log in."""

    name: str = Field(pattern=IDENTIFIER, description="Role name.")
    kind: RoleKind = Field(description="What it is for; sets privileges, memory and time-outs.")
    connection_limit: int | None = Field(
        default=None, ge=-1, description="CONNECTION LIMIT, -1 for none; computed when absent."
    )


class DatabaseSettings(Declared):
    """Parameters of all sessions in one database; what a role has of its own wins over them."""

    search_path: tuple[Annotated[str, Field(pattern=IDENTIFIER)], ...] = Field(
        default=(), description="Schemas that need no prefix; PostgreSQL's own when empty."
    )
    read_only: bool = Field(
        default=False, description="Transactions only read unless they say otherwise."
    )
    statement_timeout_seconds: int | None = Field(
        default=None,
        ge=1,
        description="Longest statement of roles that have no limit of their own.",
    )
    temp_file_limit: Size | None = Field(
        default=None,
        ge=1 << 20,
        description="Temporary files of one process of roles that have no limit of their own.",
    )


class Database(Declared):
    """A database cloned from the template database."""

    name: str = Field(pattern=IDENTIFIER, description="Database name.")
    owner: str = Field(pattern=IDENTIFIER, description="Owning role (kind: owner or admin).")
    connection_limit: int = Field(default=-1, ge=-1, description="CONNECTION LIMIT, -1 for none.")
    settings: DatabaseSettings = DatabaseSettings()


class Client(Declared):
    """One line of the client table: pg_hba.conf and both firewalls are made from it."""

    name: str = Field(pattern=NAME, description="Who connects.")
    network: IPv4Network = Field(description="From where; 0.0.0.0/0 is refused.")
    databases: tuple[str, ...] = Field(min_length=1, description="Databases, or [all].")
    roles: tuple[str, ...] = Field(min_length=1, description="Database roles, or [all].")

    @model_validator(mode="after")
    def _not_the_world(self) -> Self:
        if self.network.prefixlen < WIDEST_CLIENT_NETWORK:
            raise ValueError(f"{self.network} opens the server to the world; name a network")
        return self


class Access(Declared):
    """Who may do what, from where."""

    operators: tuple[IPv4Network, ...] = Field(
        min_length=1, description="Networks that may open SSH."
    )
    clients: tuple[Client, ...] = Field(default=(), description="The client table.")
    roles: tuple[DatabaseRole, ...] = Field(default=(), description="Login roles.")
    template: str = Field(
        default="template_desi", pattern=IDENTIFIER, description="Template database."
    )
    schemas: tuple[Annotated[str, Field(pattern=IDENTIFIER)], ...] = Field(
        default=("raw_catalogs", "science_analysis", "data_quality"),
        description="Schemas of the template database.",
    )
    extensions: tuple[str, ...] = Field(
        default=("pg_stat_statements", "pg_trgm", "cube", "q3c", "vector", "pg_sphere"),
        description="Extensions of the template database.",
    )
    databases: tuple[Database, ...] = Field(default=(), description="Databases.")

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        roles = {role.name for role in self.roles}
        databases = {database.name for database in self.databases} | {self.template}
        for database in self.databases:
            if database.owner not in roles:
                raise ValueError(f"database {database.name}: role {database.owner} is not declared")
        for client in self.clients:
            for role in set(client.roles) - roles - {"all"}:
                raise ValueError(f"client {client.name}: role {role} is not declared")
            for database_name in set(client.databases) - databases - {"all"}:
                raise ValueError(f"client {client.name}: database {database_name} is not declared")
        return self


class Pooling(Declared):
    """PgBouncer: many clients share few connections to PostgreSQL."""

    port: int = Field(default=6432, ge=1024, le=65535, description="TCP port of the pooler.")
    mode: Literal["transaction", "session"] = Field(
        default="transaction",
        description="For how long a client keeps a server connection: a transaction or a session.",
    )
    max_clients: int | None = Field(
        default=None,
        ge=10,
        le=50_000,
        description="Clients in all; workload.max_connections when absent.",
    )
    wait_seconds: int = Field(
        default=3600, ge=0, description="Longest wait for a server connection; 0 for no end."
    )
    pools: dict[RoleKind, Annotated[int, Field(ge=1, le=2000)]] = Field(
        default_factory=dict,
        description="Server connections for all roles of a kind; computed for kinds not named.",
    )

    @model_validator(mode="after")
    def _kinds_are_pooled(self) -> Self:
        for kind in ("monitoring", "backup"):
            if kind in self.pools:
                raise ValueError(f"pools: roles of kind {kind} do not go through the pooler")
        return self


class Schedule(Declared):
    """When backups are made."""

    full: str = Field(default="Sun *-*-* 02:00:00", description=f"Full backup: {CALENDAR}.")
    differential: str = Field(
        default="Mon..Sat *-*-* 02:00:00", description=f"Differential backup: {CALENDAR}."
    )


class Invariant(Declared):
    """Something that holds in a database as long as its data are whole."""

    name: str = Field(min_length=1, description="What it is called in the verdict.")
    database: str = Field(pattern=NAME, description="Where it is asked.")
    sql: str = Field(
        min_length=1,
        description="An expression that answers true, for example "
        "`(SELECT count(*) >= 6445927 FROM galaxies)`.",
    )


class Drill(Declared):
    """Backups that are restored on a schedule to prove them."""

    schedule: str = Field(
        default="Sun *-*-* 06:00:00", description=f"When a drill is made: {CALENDAR}."
    )
    cpu_percent: int = Field(
        default=100, ge=10, description="Time of one core that a drill may take, in percent."
    )
    invariants: tuple[Invariant, ...] = Field(
        default=(), description="What must hold in the restored data."
    )


class Export(Declared):
    """Logical exports of every declared database, each restored to prove it."""

    schedule: str = Field(
        default="Sun *-*-* 04:00:00", description=f"When exports are made: {CALENDAR}."
    )
    retention_days: int = Field(default=90, ge=1, description="Days that exports are kept.")
    jobs: int = Field(default=2, ge=1, le=32, description="Tables at the same time.")


class Backup(Declared):
    """pgBackRest."""

    stanza: str | None = Field(
        default=None, pattern=NAME, description="Stanza; the server's name when absent."
    )
    schedule: Schedule = Schedule()
    retention_days: int = Field(default=30, ge=1, description="Days that full backups are kept.")
    archive_timeout_seconds: int = Field(
        default=300, ge=30, le=900, description="Longest age of unarchived WAL (RPO when idle)."
    )
    processes: int = Field(default=2, ge=1, le=32, description="process-max for backups.")
    drill: Drill = Drill()
    export: Export | None = Field(default=None, description="Logical exports, none when absent.")


class Monitoring(Declared):
    """Exporters, and the Prometheus host that reads them."""

    prometheus: str = Field(description="Host name of the Prometheus host, for example proj-mon01.")
    address: IPv4Network = Field(description="Its address; only it may reach the exporters.")
    group: str = Field(default="database", description="Value of the label group.")
    file_sd_directory: AbsolutePath = Field(
        default="/etc/prometheus/file_sd", description="Directory of file_sd snippets there."
    )


class Server(Declared):
    """The whole server: guest and PostgreSQL as one thing."""

    name: str = Field(pattern=NAME, description="Host name, VM name and inventory name.")
    guest: Guest
    storage: Storage
    postgresql: Postgresql
    workload: Workload = Workload()
    access: Access
    pooling: Pooling | None = Field(default=None, description="PgBouncer, none when absent.")
    backup: Backup = Backup()
    monitoring: Monitoring
    projects: tuple[str, ...] = Field(
        default=(), max_length=0, description="Research projects; none can be declared yet."
    )

    @property
    def address(self) -> str:
        """The guest's address without prefix."""
        return str(self.guest.network.address.ip)

    @property
    def fqdn(self) -> str:
        """The name that the server certificate carries."""
        return f"{self.name}.{self.guest.network.search_domain}"

    @property
    def stanza(self) -> str:
        """The pgBackRest stanza."""
        return self.backup.stanza or self.name

    @model_validator(mode="after")
    def _pooler_has_its_own(self) -> Self:
        if self.pooling and self.pooling.port == self.postgresql.port:
            raise ValueError(f"pooling.port {self.pooling.port} is PostgreSQL's own")
        if self.pooling and "pgbouncer" in {role.name for role in self.access.roles}:
            raise ValueError("role pgbouncer is the pooler's own; give yours another name")
        return self

    @model_validator(mode="after")
    def _data_on_the_data_disk(self) -> Self:
        if not self.postgresql.data_directory.startswith(self.storage.data.mount + "/"):
            raise ValueError(
                f"postgresql.data_directory {self.postgresql.data_directory} "
                f"must lie below storage.data.mount {self.storage.data.mount}"
            )
        return self


class ProxmoxApi(Declared):
    """How to reach the Proxmox VE API; the token's secret never stands here."""

    host: str = Field(description="Host name or address of a cluster node.")
    port: int = Field(default=8006, ge=1, le=65535, description="TCP port.")
    token_id: str = Field(
        pattern=r"^[^@!\s]+@[^@!\s]+![^@!\s]+$", description="API token, user@realm!name."
    )
    token_file: str | None = Field(
        default=None, description="File with the token's secret; else PROXMOX_TOKEN_SECRET."
    )
    ca_file: str | None = Field(
        default=None, description="CA that signed the API's certificate; else the system's."
    )


class Environment(Declared):
    """What all servers of an inventory share."""

    name: str = Field(pattern=NAME, description="Name of the environment.")
    proxmox: ProxmoxApi
    vault_key_file: str | None = Field(
        default=None, description="Vault key file; else LABDB_VAULT_KEY_FILE or LABDB_VAULT_KEY."
    )
    ssh_key_file: str | None = Field(
        default=None, description="Private key for the guests; else the SSH agent's."
    )
    probe_addresses: bool = Field(
        default=True, description="Ask the network whether a new guest's address is free."
    )


def describe(error: ValidationError) -> list[tuple[str, str, Any]]:
    """Return each problem of *error* as (dotted key, message, input)."""
    return [
        (".".join(str(part) for part in item["loc"]), item["msg"], item["input"])
        for item in error.errors()
    ]
