"""Build the template that a server's guest is cloned from."""

import time

from labdb.adapters import rundir, runner, vault
from labdb.adapters.inventory import Declaration
from labdb.operations.provision import Watcher, play
from labdb.report import Phase, Report

PLAYBOOK = "template_build"


def build(declaration: Declaration, *, image_url: str, checksum: str, watcher: Watcher) -> Report:
    """Download the image at *image_url* and make the declared template of it.

    Raises:
        RunError: the playbook failed; the message is the failing task's own.
    """
    environment, name = declaration.environment.name, declaration.server.name
    with rundir.lock(environment, name) as held:
        run = rundir.new(environment, name)
        begin = time.monotonic()
        wanted = runner.PlaybookRun(
            playbook=PLAYBOOK,
            inventory=declaration.inventory,
            limit=name,
            vault_key=vault.key(declaration),
            variables={
                "proxmox_template_image_url": image_url,
                "proxmox_template_image_checksum": checksum,
            },
        )
        ran = play(wanted, run, watcher.see, started=held.note_playbook)
        vmid = declaration.server.guest.template.vmid
        made = "was there already" if not ran.changed else "is built"
        report = Report(
            "template build",
            name,
            f"template {vmid} {made}",
            phases=(Phase("playbook", round(time.monotonic() - begin, 3)),),
            data={"changed_tasks": len(ran.changed), "run_directory": str(run.path)},
        )
        run.write("report", report.to_dict())
        return report
