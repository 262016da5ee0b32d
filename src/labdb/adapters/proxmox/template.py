"""Build a template through the API: download the image, create the VM, convert it."""

from collections.abc import Callable
from contextlib import AbstractContextManager

from labdb.adapters.proxmox.converge import refuse
from labdb.adapters.proxmox.failures import StaleError
from labdb.adapters.proxmox.observe import observe_node, summaries
from labdb.adapters.proxmox.session import Session
from labdb.domain.template import (
    DesiredTemplate,
    TemplateAction,
    TemplatePlan,
    TemplateState,
    TemplateStep,
    plan_template,
)
from labdb.errors import RunError, UnreachableError

ROUNDS = 4


class TemplateBuild:
    """One template on its way to what is wanted."""

    def __init__(
        self,
        session: Session,
        wanted: DesiredTemplate,
        explained: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._session = session
        self._wanted = wanted
        self._explained = explained

    def look(self) -> TemplatePlan:
        """Return what would be done.

        Raises:
            RefusedError: something forbids it.
        """
        with self._explained():
            plan = plan_template(self._wanted, self._observe())
            refuse(plan.refusals)
            return plan

    def run(self) -> TemplatePlan:
        """Do it, and return what was to be done.

        Raises:
            RefusedError: something forbids it.
            RunError: a task failed, for example with a wrong checksum.
        """
        first = plan = self.look()
        with self._explained():
            for _ in range(ROUNDS):
                if not plan.steps:
                    return first
                try:
                    for step in plan.steps:
                        self._do(step)
                except StaleError as reason:
                    self._session.say(f"{reason}; looking again")
                plan = plan_template(self._wanted, self._observe())
                refuse(plan.refusals)
        left = ", ".join(step.what for step in plan.steps)
        raise RunError(
            f"VM {self._wanted.vmid} does not become a template",
            why=f"still to be done after {ROUNDS} rounds: {left}",
            hint="somebody else may be changing it; look at its task list, then run again",
        )

    def _observe(self) -> TemplateState:
        session, wanted = self._session, self._wanted
        occupant = next((guest for guest in summaries(session) if guest.vmid == wanted.vmid), None)
        description = ""
        if occupant and occupant.kind == "qemu":
            config = session.get(f"nodes/{occupant.node}/qemu/{occupant.vmid}/config")
            description = str(config.get("description", ""))
        node = observe_node(session, wanted.node, online=True)
        if not node.online:
            raise UnreachableError(
                f"node {wanted.node} is offline or unknown",
                why="it tells nothing about its storages",
                hint="bring it back, or declare guest.template.node",
            )
        store = node.storage(wanted.image_storage)
        images = []
        if store and store.active and "import" in store.content:
            path = f"nodes/{wanted.node}/storage/{wanted.image_storage}/content"
            images = [str(row["volid"]) for row in session.get(path, content="import")]
        return TemplateState(
            occupant=occupant,
            description=description,
            storages=node.storages,
            images=tuple(images),
        )

    def _do(self, step: TemplateStep) -> None:
        wanted, change = self._wanted, self._session.change
        self._session.say(step.what)
        base = f"nodes/{wanted.node}"
        match step.action:
            case TemplateAction.DOWNLOAD:
                path = f"{base}/storage/{wanted.image_storage}/download-url"
                change("POST", path, **step.parameters)
            case TemplateAction.CREATE:
                change("POST", f"{base}/qemu", **step.parameters)
            case TemplateAction.CONVERT:
                guest = f"{base}/qemu/{wanted.vmid}"
                change("POST", f"{guest}/template")
                change("POST", f"{guest}/config", **step.parameters)
