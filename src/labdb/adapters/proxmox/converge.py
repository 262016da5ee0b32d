"""Carry out a plan: look, plan, do one step after the other, look again until nothing is left.

An interrupted run needs no repair: the next one observes what is there and goes on with
the first step that is still to be done.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from labdb.adapters.proxmox.failures import NO_SUCH_GUEST, ApiError, StaleError
from labdb.adapters.proxmox.observe import agent_addresses, observe
from labdb.adapters.proxmox.probe import is_on_link, opens
from labdb.adapters.proxmox.session import Session
from labdb.domain.desired import DesiredGuest
from labdb.domain.guest import GuestPlan, plan_guest
from labdb.domain.guest_config import MARKER
from labdb.domain.guest_step import Action, Step
from labdb.domain.preflight import blockers, check
from labdb.domain.property_string import parse_nic
from labdb.errors import RefusedError, RunError
from labdb.facts import ClusterState
from labdb.report import Change, Finding

ROUNDS = 8
"""Times that the guest is looked at before labdb gives up."""
AGENT_SECONDS = 300.0
SSH_SECONDS = 120.0
ALONE = (Action.CLONE, Action.START, Action.RESTART)
"""After these nothing that was planned holds without another look."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator allows, and how long things may take (seconds)."""

    allow_cloud_init_rerun: bool = False
    allow_restart: bool = False
    run_id: str = ""
    probe: bool = False
    agent_seconds: float = AGENT_SECONDS


@dataclass(frozen=True, slots=True)
class Outcome:
    """The first plan, what was done, and the guest as it is now."""

    plan: GuestPlan
    state: ClusterState
    done: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def is_new(self) -> bool:
        """Tell whether this run created the guest, or brought an earlier creation to its end."""
        finished = any(item.field == "description" for item in self.plan.changes)
        return self.plan.creates or finished

    @property
    def started(self) -> bool:
        """Tell whether this run booted the guest."""
        return any(step.action in ALONE for step in self.plan.steps)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Changes that were made, or would be; withheld ones are not."""
        return tuple(item for item in self.plan.changes if item not in self.plan.withheld)


class Convergence:
    """One guest on its way to what is declared."""

    def __init__(
        self, session: Session, wanted: DesiredGuest, keys: Sequence[str], options: Options
    ) -> None:
        self._session = session
        self._wanted = wanted
        self._keys = keys
        self._options = options
        self._base = f"nodes/{wanted.node}/qemu/{wanted.vmid}"

    def look(self) -> Outcome:
        """Return what would be done; nothing is changed.

        Raises:
            RefusedError: preflight or plan forbid it.
        """
        state = observe(self._session, self._wanted, probe=self._options.probe)
        findings = check(self._wanted, state)
        plan = self._plan(state)
        refuse((*blockers(findings), *plan.refusals))
        return Outcome(plan=plan, state=state, findings=findings)

    def run(self) -> Outcome:
        """Do it, and return what was done.

        Raises:
            RefusedError: preflight or plan forbid it, or somebody else is at work.
            RunError: a task failed, or the guest does not become what it should.
        """
        first = outcome = self.look()
        done: list[str] = []
        for _ in range(ROUNDS):
            if not outcome.plan.steps:
                return replace(first, state=outcome.state, done=tuple(done))
            if self._may_go_on(outcome.state):
                try:
                    done += self._perform(outcome)
                except StaleError as reason:
                    self._session.say(f"{reason}; looking again")
            state = observe(self._session, self._wanted, probe=False)
            outcome = replace(outcome, state=state, plan=self._plan(state))
            refuse(outcome.plan.refusals)
        left = ", ".join(f"{item.subject} {item.field}" for item in outcome.plan.changes)
        raise RunError(
            f"VM {self._wanted.vmid} does not become what is declared",
            why=f"still different after {ROUNDS} rounds: {left or 'its address'}",
            hint="somebody else may be changing it; look at its task list",
        )

    def _plan(self, state: ClusterState) -> GuestPlan:
        return plan_guest(
            self._wanted,
            state,
            self._keys,
            allow_cloud_init_rerun=self._options.allow_cloud_init_rerun,
            allow_restart=self._options.allow_restart,
            run_id=self._options.run_id,
        )

    def _may_go_on(self, state: ClusterState) -> bool:
        """Wait for locks; refuse while another provisioning works on the same guest."""
        node, vmid = self._wanted.node, self._wanted.vmid
        if state.guest is None:
            return True
        if state.guest.lock:
            self._session.outlive_lock(node, vmid, state.guest.lock)
            return False
        task = self._session.active_task(node, vmid)
        if task:
            raise RefusedError(
                f"somebody else is at work on VM {vmid}",
                why=f"task {task['type']} of {task['user']} is running ({task['upid']})",
                hint="wait for it to end, then run again",
            )
        return True

    def _perform(self, outcome: Outcome) -> list[str]:
        """Do the steps up to the next one after which it has to be looked again."""
        guest, done = outcome.state.guest, []
        digest = guest.digest if guest else ""
        for step in outcome.plan.steps:
            self._session.say(step.what)
            if step.action is Action.AWAIT:
                self._await_address(step.parameters["address"])
            else:
                method, path, parameters = self._request(step)
                if step.action in (Action.CONFIGURE, Action.RESIZE):
                    parameters["digest"] = digest
                self._change(step, method, path, parameters)
            done.append(step.what)
            if step.action is Action.CLONE:
                break
            if step.action in (Action.CONFIGURE, Action.RESIZE):
                digest = str(self._session.get(f"{self._base}/config")["digest"])
            if step.action in ALONE:
                digest = str(self._session.get(f"{self._base}/config")["digest"])
        return done

    def _change(self, step: Step, method: str, path: str, parameters: dict[str, Any]) -> None:
        try:
            self._session.change(method, path, **parameters)
        except ApiError as error:
            if step.action is Action.CLONE and "already exists" in error.text and self._is_mine():
                raise StaleError("the clone of an earlier request is there") from error
            raise

    def _is_mine(self) -> bool:
        """Tell whether the guest that has our VMID was cloned by this very run."""
        try:
            config = self._session.get(f"{self._base}/config")
        except ApiError as error:
            if NO_SUCH_GUEST.search(error.text):
                return False
            raise
        marker = f"{MARKER} {self._options.run_id}".strip()
        return bool(self._options.run_id) and str(config.get("description", "")).strip() == marker

    def _request(self, step: Step) -> tuple[str, str, dict[str, Any]]:
        parameters: dict[str, Any] = dict(step.parameters)
        wanted, base = self._wanted, self._base
        simple = {
            Action.CLONE: (
                "POST",
                f"nodes/{wanted.template_node}/qemu/{wanted.template_vmid}/clone",
            ),
            Action.CONFIGURE: ("POST", f"{base}/config"),
            Action.RESIZE: ("PUT", f"{base}/resize"),
            Action.CLOUD_INIT: ("PUT", f"{base}/cloudinit"),
            Action.START: ("POST", f"{base}/status/start"),
            Action.RESTART: ("POST", f"{base}/status/reboot"),
            Action.ADD_RULE: ("POST", f"{base}/firewall/rules"),
            Action.FIREWALL: ("PUT", f"{base}/firewall/options"),
            Action.CREATE_BACKUP: ("POST", "cluster/backup"),
        }
        if step.action in simple:
            return *simple[step.action], parameters
        if step.action is Action.DELETE_RULE:
            return "DELETE", f"{base}/firewall/rules/{parameters['pos']}", {}
        job = parameters.pop("id")
        method = "PUT" if step.action is Action.UPDATE_BACKUP else "DELETE"
        return method, f"cluster/backup/{job}", parameters

    def _await_address(self, address: str) -> None:
        """Wait until the agent reports *address* for net0's MAC, then until SSH opens.

        Raises:
            RunError: it never does; says what the guest reports instead.
        """
        session = self._session
        nic = parse_nic(str(session.get(f"{self._base}/config").get("net0", "")))
        limit = time.monotonic() + self._options.agent_seconds
        reported: tuple[str, ...] | None = None
        pause = 0.2
        while True:
            reported = agent_addresses(session, self._base, nic.mac if nic else "")
            if address in (reported or ()):
                break
            if time.monotonic() > limit:
                raise self._no_address(address, reported)
            session.sleep(pause)
            pause = min(pause * 1.3, 2.0)
        self._await_ssh(address)

    def _no_address(self, address: str, reported: tuple[str, ...] | None) -> RunError:
        if reported is None:
            why = "the guest agent never answered"
        elif reported:
            why = f"the guest has {', '.join(reported)} instead"
        else:
            why = "the guest agent answers, but net0 has no address"
        return RunError(
            f"VM {self._wanted.vmid} was started and never reported the address {address}",
            why=f"{why} ({self._options.agent_seconds:.0f} s)",
            hint=f"look at its console: qm terminal {self._wanted.vmid} on {self._wanted.node}; "
            "the VM is kept, and a further run goes on from here",
        )

    def _await_ssh(self, address: str) -> None:
        local = self._session.host.startswith("127.")
        if not self._options.probe or (local and not is_on_link(address)):
            return
        limit = time.monotonic() + SSH_SECONDS
        while not opens(address, 22):
            if time.monotonic() > limit:
                raise RunError(
                    f"{address} is up, but its SSH port does not open from here",
                    why=f"no TCP connection to {address}:22 within {SSH_SECONDS:.0f} s",
                    hint="is this workstation in access.operators, and is there a route?",
                )
            self._session.sleep(0.5)


def refuse(findings: Sequence[Finding]) -> None:
    """Raise for the first of *findings*, naming the number of the others.

    Raises:
        RefusedError: there is at least one.
    """
    distinct = list(dict.fromkeys(findings))
    if not distinct:
        return
    first, *others = distinct
    more = "".join(f"; also: {finding.what}" for finding in others)
    raise RefusedError(first.what, why=first.why + more, hint=first.hint)


def as_dicts(changes: Sequence[Change]) -> list[Mapping[str, str | None]]:
    """Return *changes* as plain values, for Ansible."""
    return [
        {
            "subject": item.subject,
            "field": item.field,
            "before": item.before,
            "after": item.after,
            "effect": str(item.effect),
            "reason": item.reason,
        }
        for item in changes
    ]
