"""Who may do what, from where: roles, databases, the client table, the pooler."""

from ipaddress import IPv4Network
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from labdb.size import Size
from labdb.spec.base import IDENTIFIER, NAME, Declared

WIDEST_CLIENT_NETWORK = 8  # the widest private range, 10.0.0.0/8


def _not_the_world(network: IPv4Network) -> IPv4Network:
    if network.prefixlen < WIDEST_CLIENT_NETWORK:
        raise ValueError(f"{network} opens the server to the world; name a network")
    return network


ClientNetwork = Annotated[IPv4Network, AfterValidator(_not_the_world)]
"""A network that clients come from; never all of them."""

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
    network: ClientNetwork = Field(description="From where; 0.0.0.0/0 is refused.")
    databases: tuple[str, ...] = Field(min_length=1, description="Databases, or [all].")
    roles: tuple[str, ...] = Field(min_length=1, description="Database roles, or [all].")


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
        default=("pg_stat_statements", "pg_trgm", "cube", "q3c", "vector", "pg_sphere", "labdb"),
        description="Extensions of the template database.",
    )
    databases: tuple[Database, ...] = Field(default=(), description="Databases.")

    @model_validator(mode="after")
    def _extensions_have_what_they_need(self) -> Self:
        missing = [name for name in ("cube", "q3c") if name not in self.extensions]
        if "labdb" in self.extensions and missing:
            raise ValueError(f"extension labdb needs {' and '.join(missing)}; name them too")
        return self

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
