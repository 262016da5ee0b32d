"""Can a server reach the hosts that keep its backups, as far as can be told beforehand?"""

from collections.abc import Sequence
from ipaddress import IPv4Address

from labdb.facts import ClusterState
from labdb.report import Finding
from labdb.spec import RepositoryHost, Server


def repository_findings(
    server: Server, hosts: Sequence[RepositoryHost], state: ClusterState
) -> tuple[Finding, ...]:
    """Return a finding for each repository on a repository host.

    Args:
        server: the declaration.
        hosts: the repository hosts that the same inventory declares.
        state: what was observed of the cluster.
    """
    declared = {host.name: host for host in hosts}
    return tuple(
        _finding(server, name, declared.get(name), state) for name in server.repository_hosts
    )


def _finding(
    server: Server, name: str, host: RepositoryHost | None, state: ClusterState
) -> Finding:
    if host is None:
        what = f"repository host {name} is not declared"
        hint = f"write host_vars/{name}/repository_host.yml, or take it out of backup.repositories"
        return Finding("repository host", "critical", what, hint=hint)
    number = server.repository_hosts[name]
    line = f"{{name: {server.name}, network: {server.address}/32}}"
    hint = f"add {line} to access.servers of {name}, then: labdb provision {name}"
    known = [item for item in host.access.servers if item.name == server.name]
    if not known:
        what = f"{name} does not let {server.name} store"
        why = "its access.servers does not name it"
        return Finding("repository host", "critical", what, why, hint)
    if not any(IPv4Address(server.address) in item.network for item in known):
        what = f"{name} does not let {server.name} store from {server.address}"
        why = f"its access.servers names {known[0].network}"
        return Finding("repository host", "critical", what, why, hint)
    guest = next((item for item in state.namesakes(name) if item.vmid == host.guest.vmid), None)
    if guest is None:
        what = f"{name} does not exist yet, or the token may not see it"
        why = f"repository {number} of {server.name} stands there"
        return Finding("repository host", "critical", what, why, f"labdb provision {name}")
    if not guest.running:
        what = f"{name} is stopped: nothing reaches repository {number}"
        return Finding("repository host", "warning", what, hint=f"labdb provision {name}")
    return Finding("repository host", "ok", f"{name} runs")
