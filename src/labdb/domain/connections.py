"""How many connections each role may have, so that nobody takes those of another.

The limits of all roles, the superuser's reserve and the exporter's share add up to no more
than ``max_connections``: a project that opens all it may costs the others none. With a pooler
it is the other way round: what the pools need, and what comes past them, makes up
``max_connections``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from labdb.domain.everybody import all_roles
from labdb.domain.overrides import overrides
from labdb.domain.parameters import lookup
from labdb.domain.pooling import POOLER_CONNECTIONS, pools
from labdb.spec import DatabaseRole, RoleKind, Server

MONITORING_ROLE = "postgres_exporter"
MONITORING_CONNECTIONS = 5
SUPERUSER_RESERVED = 5
UNLIMITED = -1
KNOWN_NEED: Mapping[RoleKind, tuple[int, str]] = {
    "admin": (5, "a few people and their scripts"),
    "monitoring": (MONITORING_CONNECTIONS, "a scrape needs one, and two may overlap"),
    "backup": (3, "a dump with two parallel workers"),
}
"""Kinds whose need does not grow with the server."""
LOADS_PER_CORE = 2
"""While one COPY keeps a core busy, the next file is read."""
SESSIONS_PER_ANALYST = 4
"""Somebody at work has a notebook, a shell and a tool open, and one session to spare."""
PAST_THE_POOL: Mapping[RoleKind, tuple[int, str]] = {
    "admin": (5, "work that needs a session of its own"),
    "owner": (5, "work that needs a session of its own"),
    "loader": (2, "a load that needs a session of its own"),
    "analyst": (2, "temporary tables that outlive a transaction"),
    "application": (2, "LISTEN and advisory locks"),
}
"""Direct sessions of a role beside its pool."""


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    """A role's CONNECTION LIMIT (-1 for none), and why."""

    role: str
    connections: int
    reason: str


def connection_limits(server: Server) -> tuple[ConnectionLimit, ...]:
    """Return the limit of each declared role, in the order of the declaration."""
    limits = _beside_pools(server) if server.pooling else _shares(server)
    return tuple(limits[role.name] for role in all_roles(server))


def server_connections(server: Server) -> int:
    """Return PostgreSQL's ``max_connections``: the declared one, or what the pools need of it."""
    if server.pooling is None:
        return server.workload.max_connections
    sessions = sum(_most(server, role) for role in all_roles(server))
    return reserved(server) + POOLER_CONNECTIONS + sessions


def analysts_at_once(server: Server) -> int:
    """Return how many analysts' sessions memory is shared for.

    Without a pooler that is the declared number, and nothing holds anybody to it; with one
    it is what PostgreSQL lets in.
    """
    if server.pooling is None:
        return server.workload.analytic_sessions
    analysts = [role for role in all_roles(server) if role.kind == "analyst"]
    return max(server.workload.analytic_sessions, sum(_most(server, role) for role in analysts))


def reserved(server: Server) -> int:
    """Return what no declared role may take: the superuser's, and the exporter's."""
    superusers = _by_parameter(server, "superuser_reserved_connections", SUPERUSER_RESERVED)
    others = _by_parameter(server, "reserved_connections", 0)
    declared = {role.name for role in all_roles(server)}
    return superusers + others + (0 if MONITORING_ROLE in declared else MONITORING_CONNECTIONS)


def _by_parameter(server: Server, name: str, usual: int) -> int:
    text = overrides(server).get(name)
    return usual if text is None else int(lookup(name, server.postgresql.major).parse(text))


def _shares(server: Server) -> dict[str, ConnectionLimit]:
    """Return the limits where clients come directly: known needs, and equal shares of the rest."""
    roles = all_roles(server)
    limits = {role.name: _by_hand(role) for role in roles if role.connection_limit is not None}
    free = [role for role in roles if role.name not in limits]
    fair = _left(server, limits.values()) // max(1, len(free))
    needs = _needs(server, free)
    for role in free:
        if role.kind in needs and needs[role.kind][0] <= fair:
            limits[role.name] = ConnectionLimit(role.name, *needs[role.kind])
    others = [role for role in free if role.name not in limits]
    left = _left(server, limits.values())
    reason = f"an equal share of the {left} connections that the others leave"
    for role in others:
        limits[role.name] = ConnectionLimit(role.name, max(1, left // len(others)), reason)
    return limits


def _needs(server: Server, roles: Sequence[DatabaseRole]) -> Mapping[RoleKind, tuple[int, str]]:
    """Return what one role of a kind needs, and why; kinds that take what is left are not in it."""
    cores, analysts = server.guest.cpu.total, server.workload.analytic_sessions
    together: Mapping[RoleKind, tuple[int, str]] = {
        "loader": (cores * LOADS_PER_CORE, f"{cores} cores x {LOADS_PER_CORE} files at once"),
        "analyst": (
            analysts * SESSIONS_PER_ANALYST,
            f"{analysts} analysts at work x {SESSIONS_PER_ANALYST} sessions each",
        ),
    }
    needs = dict(KNOWN_NEED)
    for kind, (size, reason) in together.items():
        sharing = sum(role.kind == kind for role in roles)
        shared = f"{reason}, shared by {sharing} roles" if sharing > 1 else reason
        needs[kind] = (max(1, size // max(1, sharing)), shared)
    return needs


def _beside_pools(server: Server) -> dict[str, ConnectionLimit]:
    """Return the limits where clients come through the pooler: the pool, and a few directly."""
    sizes = {pool.role: pool.connections for pool in pools(server)}
    limits = {}
    for role in all_roles(server):
        if role.connection_limit is not None:
            limits[role.name] = _by_hand(role)
        elif role.kind in PAST_THE_POOL:
            past, why = PAST_THE_POOL[role.kind]
            reason = f"{sizes[role.name]} of its pool, {past} directly: {why}"
            limits[role.name] = ConnectionLimit(role.name, sizes[role.name] + past, reason)
        else:
            limits[role.name] = ConnectionLimit(role.name, *KNOWN_NEED[role.kind])
    return limits


def _most(server: Server, role: DatabaseRole) -> int:
    """Return the sessions that *role* may have; where none is the limit, what it would have had."""
    if role.connection_limit == UNLIMITED:
        sizes = {pool.role: pool.connections for pool in pools(server)}
        needs = PAST_THE_POOL.get(role.kind) or KNOWN_NEED[role.kind]
        return sizes.get(role.name, 0) + needs[0]
    return _beside_pools(server)[role.name].connections


def _left(server: Server, limits: Iterable[ConnectionLimit]) -> int:
    taken = sum(max(0, limit.connections) for limit in limits)
    return max(0, server.workload.max_connections - reserved(server) - taken)


def _by_hand(role: DatabaseRole) -> ConnectionLimit:
    limit = UNLIMITED if role.connection_limit is None else role.connection_limit
    return ConnectionLimit(role.name, limit, "declared as connection_limit")
