"""Carry out the two steps of a removal."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from labdb.adapters.proxmox.converge import refuse
from labdb.adapters.proxmox.failures import StaleError
from labdb.adapters.proxmox.observe import observe
from labdb.adapters.proxmox.session import Session
from labdb.domain.desired import DesiredGuest
from labdb.domain.removal import RemovalAction, RemovalPlan, RemovalStep, plan_removal
from labdb.errors import RunError

__all__ = ["Removal", "RemovalPlan", "RemovalStep"]

ROUNDS = 3


class Removal:
    """One guest on its way out."""

    def __init__(
        self,
        session: Session,
        wanted: DesiredGuest,
        explained: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._session = session
        self._wanted = wanted
        self._explained = explained

    def look(self, step: RemovalStep, *, confirm_name: str) -> RemovalPlan:
        """Return what *step* would do, refusals among it; nothing is changed."""
        with self._explained():
            return self._plan(step, confirm_name)

    def run(self, step: RemovalStep, *, confirm_name: str) -> RemovalPlan:
        """Do *step* and return the plan that was carried out.

        Raises:
            RefusedError: the name was not typed, or the guest is not ready for this step.
            RunError: a task failed.
        """
        with self._explained():
            first = plan = self._plan(step, confirm_name)
            for _ in range(ROUNDS):
                refuse(plan.refusals)
                if not plan.actions:
                    return first
                try:
                    for action in plan.actions:
                        self._do(action)
                except StaleError as reason:
                    self._session.say(f"{reason}; looking again")
                plan = self._plan(step, confirm_name)
        left = ", ".join(plan.actions)
        raise RunError(
            f"VM {self._wanted.vmid} does not reach the end of step {step}",
            why=f"still to be done after {ROUNDS} rounds: {left}",
            hint="somebody else may be changing it; look at its task list, then run again",
        )

    def _plan(self, step: RemovalStep, confirm_name: str) -> RemovalPlan:
        state = observe(self._session, self._wanted, probe=False)
        return plan_removal(self._wanted, state, step, confirm_name=confirm_name)

    def _do(self, action: RemovalAction) -> None:
        wanted = self._wanted
        base = f"nodes/{wanted.node}/qemu/{wanted.vmid}"
        self._session.say(str(action))
        match action:
            case RemovalAction.SHUTDOWN:
                seconds = wanted.startup.rpartition("down=")[2]
                self._session.change("POST", f"{base}/status/shutdown", timeout=int(seconds))
            case RemovalAction.UNPROTECT:
                self._session.change("POST", f"{base}/config", protection=0)
            case RemovalAction.DELETE_BACKUP_JOB:
                self._session.change("DELETE", f"cluster/backup/labdb-{wanted.vmid}")
            case RemovalAction.DESTROY:
                self._session.change("DELETE", base, purge=1)
