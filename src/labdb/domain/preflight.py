"""Look before anything is changed: can this guest be on this cluster, with this token?"""

from labdb.domain.desired import DesiredGuest
from labdb.facts import ClusterState
from labdb.report import Finding
from labdb.spec import Server


def check(server: Server | DesiredGuest, state: ClusterState) -> tuple[Finding, ...]:
    """Return one finding for each thing that was looked at; critical ones forbid a run."""
    raise NotImplementedError
