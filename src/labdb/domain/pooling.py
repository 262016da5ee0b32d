"""How many connections the pooler opens to PostgreSQL for each role: those that can be at work.

A pool is a role's queue: who comes while all of it is at work waits, and no memory is used
meanwhile. Sizes follow from what the machine can do at once, not from how many clients there are.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from labdb.domain.everybody import all_roles
from labdb.spec import DatabaseRole, RoleKind, Server

POOLER_ROLE = "pgbouncer"
POOLER_CONNECTIONS = 2
"""Its own, with which it looks up who a client is."""
NOT_POOLED: tuple[RoleKind, ...] = ("monitoring", "backup")
"""The exporter has its socket; a dump sets its session up outside of any transaction."""
QUERIES_PER_CORE = 2
"""Short queries: while one waits for the disk, another has the core."""
ADMINISTRATORS = 2


@dataclass(frozen=True, slots=True)
class Pool:
    """The server connections of one role, and why so many."""

    role: str
    connections: int
    reason: str


def pools(server: Server) -> tuple[Pool, ...]:
    """Return the pool of each role that may use the pooler; nothing where none is declared."""
    if server.pooling is None:
        return ()
    pooled = [role for role in all_roles(server) if role.kind not in NOT_POOLED]
    return tuple(_pool(server, role, _same_kind(pooled, role)) for role in pooled)


def most_clients(server: Server) -> int:
    """Return how many clients the pooler takes; 0 where none is declared."""
    if server.pooling is None:
        return 0
    return server.pooling.max_clients or server.workload.max_connections


def _same_kind(roles: list[DatabaseRole], like: DatabaseRole) -> int:
    return sum(role.kind == like.kind for role in roles)


def _pool(server: Server, role: DatabaseRole, sharing: int) -> Pool:
    together, reason = _together(server)[role.kind]
    size = max(1, together // sharing)
    if sharing > 1:
        reason = f"{reason}, shared by {sharing} roles"
    if role.connection_limit is not None and 0 <= role.connection_limit < size:
        return Pool(role.name, max(1, role.connection_limit), "the role's own connection_limit")
    return Pool(role.name, size, reason)


def _together(server: Server) -> Mapping[RoleKind, tuple[int, str]]:
    """Return what all roles of a kind have together, and why."""
    cores, analysts = server.guest.cpu.total, server.workload.analytic_sessions
    computed: dict[RoleKind, tuple[int, str]] = {
        "admin": (ADMINISTRATORS, "a person and a script"),
        "owner": (max(2, cores // 2), f"half of {cores} cores: people who try things out"),
        "loader": (cores, f"{cores} cores: a COPY keeps one busy"),
        "analyst": (analysts, f"{analysts} analysts at once is what the memory is shared for"),
        "application": (
            cores * QUERIES_PER_CORE,
            f"{cores} cores x {QUERIES_PER_CORE}: short queries that wait for each other's disk",
        ),
    }
    by_hand = server.pooling.pools if server.pooling else {}
    return computed | {kind: (size, "declared in pooling.pools") for kind, size in by_hand.items()}
