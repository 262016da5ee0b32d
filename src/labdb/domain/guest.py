"""Decide what has to be done so that the guest is as declared: steps, changes, refusals."""

from collections.abc import Sequence
from dataclasses import dataclass

from labdb.domain.desired import DesiredGuest
from labdb.facts import ClusterState
from labdb.report import Change, Finding
from labdb.spec import Server


@dataclass(frozen=True, slots=True)
class GuestPlan:
    """What differs (*changes*), what would be done (*steps*), what will not be (*refusals*).

    *findings* are facts that somebody should know; they hold nothing up.
    """

    changes: tuple[Change, ...] = ()
    steps: tuple[object, ...] = ()
    refusals: tuple[Finding, ...] = ()
    findings: tuple[Finding, ...] = ()


def plan_guest(
    server: Server | DesiredGuest,
    state: ClusterState,
    authorized_keys: Sequence[str],
    *,
    allow_cloud_init_rerun: bool = False,
    allow_restart: bool = False,
    run_id: str = "",
) -> GuestPlan:
    """Return what has to be done so that the guest in *state* is as *server* declares it."""
    raise NotImplementedError
