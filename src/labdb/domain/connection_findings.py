"""Findings about connections: too many for the machine, limits that protect nobody."""

from labdb.domain.connections import connection_limits, reserved, server_connections
from labdb.domain.pooling import most_clients
from labdb.domain.tuning import Inputs, tune
from labdb.domain.tuning.budget import CONNECTION, MemoryBudget
from labdb.errors import DeclarationError
from labdb.report import Finding
from labdb.size import human_size
from labdb.spec import Pooling, Server

SHARE = 4
"""A quarter of the memory, for sessions that mostly wait, is better used as cache."""
SESSIONS_PER_CORE = 25
"""Beyond it, sessions that all wake up at once spend their time waiting for a core."""


def connection_findings(server: Server) -> tuple[Finding, ...]:
    """Return a finding for each thing about connections that somebody should know."""
    found = [_unprotected(server)]
    found.append(_gains_nothing(server) if server.pooling else _too_many(server))
    return tuple(finding for finding in found if finding)


def _too_many(server: Server) -> Finding | None:
    """Return what a pooler would give, where there are more connections than is sensible."""
    inputs = Inputs.of(server)
    budget = tune(inputs).budget
    session = CONNECTION + int(budget.work_mem * budget.hash_multiplier) + budget.temp_buffers
    connections, cores = inputs.load.connections, inputs.machine.cores
    taken = connections * session
    if taken * SHARE <= inputs.machine.memory and connections <= cores * SESSIONS_PER_CORE:
        return None
    return Finding(
        "pooling",
        "info",
        f"{connections} direct connections are many for {cores} cores and "
        f"{human_size(inputs.machine.memory)} of memory",
        f"{human_size(taken)} are kept for them, whether they work or not",
        f"declare pooling: {{}}, and {_with_a_pooler(server, budget)}",
    )


def _with_a_pooler(server: Server, now: MemoryBudget) -> str:
    pooled = server.model_copy(update={"pooling": Pooling()})
    served = f"{server_connections(pooled)} server connections serve them"
    try:
        then = tune(Inputs.of(pooled)).budget
    except DeclarationError:
        return served
    if then.analyst_work_mem > now.analyst_work_mem:
        before, after = human_size(now.analyst_work_mem), human_size(then.analyst_work_mem)
        return f"{served}; analysts then have {after} of work_mem in place of {before}"
    if then.total < now.total:
        return f"{served}; {human_size(now.total - then.total)} more then cache data"
    return served


def _gains_nothing(server: Server) -> Finding | None:
    needed, clients = server_connections(server), most_clients(server)
    if needed < clients:
        return None
    return Finding(
        "pooling",
        "info",
        f"the pooler gains nothing: {needed} server connections for {clients} clients",
        "the pools are as large as all clients together",
        "declare smaller pooling.pools, more clients, or no pooling",
    )


def _unprotected(server: Server) -> Finding | None:
    """Return who can take the connections of the others, by limits set by hand."""
    limits = connection_limits(server)
    unlimited = [limit.role for limit in limits if limit.connections < 0]
    room = server_connections(server) - reserved(server)
    together = sum(max(0, limit.connections) for limit in limits)
    if unlimited:
        what = f"{', '.join(unlimited)} may take every connection: connection_limit is -1"
    elif together > room:
        what = f"roles may open {together} connections, and there are {room} for them"
    else:
        return None
    hint = "leave connection_limit out, and labdb shares the connections among the roles"
    why = "one project can lock the others out"
    return Finding("connections", "info", what, why, hint)
