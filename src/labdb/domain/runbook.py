"""What to do when a machine is lost, written from the declaration: names, places, commands.

Meant to be printed: on the day when it is needed, little else may answer.
"""

from collections.abc import Iterator, Sequence

from labdb.size import human_size
from labdb.spec import Machine, RepositoryHost, S3Repository, Server

INTRODUCTION = """\
Written from the declaration by `labdb runbook`. Print it: on the day when it is needed, little
else may answer.
"""
AFTERWARDS = """\
Write down what happened and when. The drill's ledger and the run directories hold the times.
"""


def runbook(server: Server, hosts: Sequence[RepositoryHost], inventory: str) -> str:
    """Return the runbook of *server* as Markdown.

    Args:
        server: the declaration.
        hosts: the declared hosts that keep its backups.
        inventory: the inventory, as it is given to ``-i``.
    """
    parts = (
        f"# Recover {server.name} from a disaster\n",
        INTRODUCTION,
        "## What must be there first\n",
        _needed(server, inventory),
        "## What stands where\n",
        _machines(server, hosts),
        *_lost_server(server, inventory),
        *_lost_node(server, inventory),
        *(section for host in hosts for section in _lost_host(server, host, inventory)),
        *(
            section
            for number, bucket in server.object_stores.items()
            for section in _lost_bucket(server, number, bucket, inventory)
        ),
        *_lost_rows(server, inventory),
        *_lost_everything_since(server, inventory),
        "## Afterwards\n",
        AFTERWARDS,
        _sh(
            f"labdb verify {server.name} -i {inventory}",
            f"labdb backup check {server.name} -i {inventory}",
            f"labdb drill {server.name} -i {inventory}",
        ),
    )
    return "\n".join(parts)


def _sh(*commands: str) -> str:
    return "```sh\n" + "".join(f"{command}\n" for command in commands) + "```\n"


def _console(*commands: str) -> str:
    return "```console\n" + "".join(f"$ {command}\n" for command in commands) + "```\n"


def _needed(server: Server, inventory: str) -> str:
    own = f"{inventory}/host_vars/{server.name}/vault.yml"
    return (
        "- a workstation with labdb, and this inventory from git;\n"
        f"- `{own}`: it holds the passphrase of the backups, without which they are noise"
        f"{', and the keys of the buckets' if server.object_stores else ''};\n"
        f"- `{inventory}/group_vars/all/vault.yml`: the certificate authority that clients trust;\n"
        "- the vault key that opens both, and the token of the Proxmox VE API. Neither is in git: "
        "keep a copy of each where this cluster is not.\n"
    )


def _machines(server: Server, hosts: Sequence[RepositoryHost]) -> str:
    rows = ["| Machine | VM | Node | Address | Disks |", "|---|---|---|---|---|"]
    rows += [_row(machine) for machine in (server, *hosts)]
    own = server.backup
    place = f"{server.name}, {server.storage.backup.mount}"
    kept = [
        "| Repository | Where | Full sets | Days kept |",
        "|---|---|---|---|",
        f"| 1 | {place} | `{own.schedule.full}` | {own.retention_days} |",
    ]
    kept += [
        f"| {number} | {item.place} | `{item.schedule.full}` | {item.retention_days} |"
        for number, item in server.repositories.items()
    ]
    return "\n".join([*rows, "", *kept, ""])


def _row(machine: Machine) -> str:
    disks = ", ".join(
        f"{name} {human_size(disk.size)} on {disk.storage}" for name, disk in machine.disks
    )
    guest = machine.guest
    return f"| {machine.name} | {guest.vmid} | {guest.node} | {machine.address} | {disks} |"


def _lost_server(server: Server, inventory: str) -> Iterator[str]:
    yield f"## {server.name} is lost\n"
    if not server.backup.repositories:
        yield (
            "Its only repository was on its own disks. What is left is a backup of the whole VM, "
            f"if there is one (`guest.backup`): restore it with `qmrestore`, as VM "
            f"{server.guest.vmid}, and run:\n"
        )
        yield _console(f"labdb provision {server.name} -i {inventory}")
        return
    nearest = min(server.repositories)
    yield (
        "Guest, configuration and data come back with one command: the newest set in the "
        "repository, and all WAL after it. What was committed later is lost: "
        f"{server.backup.archive_timeout_seconds // 60} minutes at most when it was idle, a WAL "
        "segment when it was busy.\n"
    )
    yield _sh(
        f"labdb provision {server.name} -i {inventory} --recover-from repo{nearest} --yes",
        f"labdb verify {server.name} -i {inventory}",
        f"labdb backup list {server.name} -i {inventory}",
    )
    others = [f"repo{number}" for number in server.repositories if number != nearest]
    if others:
        yield f"Where repository {nearest} is lost too: {' or '.join(others)}.\n"
    yield (
        "It says which set it took and when the last commit was. A first full set is made in the "
        "new repository 1 at once. Interrupted, it is taken up by the same command.\n"
    )


def _lost_node(server: Server, inventory: str) -> Iterator[str]:
    if not server.backup.repositories:
        return
    path = f"{inventory}/host_vars/{server.name}/server.yml"
    yield f"## Node {server.guest.node} is lost\n"
    yield (
        f"1. In `{path}`, write another `guest.node`, its storages in `storage`, and a template "
        "that is there in `guest.template`.\n"
        f"2. Take VM {server.guest.vmid} of the dead node out of the cluster's configuration, so "
        "that its VMID is free; Proxmox VE's own documentation says how a node is removed.\n"
        f"3. Go on as if {server.name} were lost, which it is.\n"
    )


def _lost_host(server: Server, host: RepositoryHost, inventory: str) -> Iterator[str]:
    number = server.repository_hosts[host.name]
    yield f"## {host.name} is lost\n"
    yield (
        f"{server.name} runs on, and archives to its own volume; repository {number} is gone. A "
        "new one is made, and gets a full set at once:\n"
    )
    yield _sh(
        f"labdb provision {host.name} -i {inventory} --yes",
        f"labdb provision {server.name} -i {inventory} --yes",
        f"labdb backup list {server.name} -i {inventory}",
    )


def _lost_bucket(
    server: Server, number: int, bucket: S3Repository, inventory: str
) -> Iterator[str]:
    yield f"## {bucket.store} is lost\n"
    yield (
        f"{server.name} runs on, and archives to its own volume; repository {number} is gone. Make "
        f"a bucket of that name, put its key into `{inventory}/host_vars/{server.name}/vault.yml`, "
        "and it gets a full set at once:\n"
    )
    yield _sh(
        f"labdb provision {server.name} -i {inventory} --yes",
        f"labdb backup list {server.name} -i {inventory}",
    )


def _lost_rows(server: Server, inventory: str) -> Iterator[str]:
    yield "## A table was dropped, or rows are wrong\n"
    yield (
        "Restore to a moment before, beside the running server, and copy back what was lost. "
        "Nothing running is touched.\n"
    )
    yield _sh(f"labdb restore {server.name} -i {inventory} --latest --plan")
    yield _console(
        f"labdb restore {server.name} -i {inventory} --to '20 min ago'",
        f"labdb restore {server.name} -i {inventory} --discard",
    )


def _lost_everything_since(server: Server, inventory: str) -> Iterator[str]:
    yield "## Everything is wrong since a moment\n"
    yield (
        "All databases go back together. A backup is made first, and what was there is kept until "
        "somebody says that it may go. `labdb status` tells when one was cut short: `--resume` "
        "goes on with it, `--undo` takes back what was there.\n"
    )
    yield _sh(f"labdb restore-in-place {server.name} -i {inventory} --latest --plan")
    yield _console(
        f"labdb restore-in-place {server.name} -i {inventory} --to '20 min ago'",
        f"labdb restore-in-place {server.name} -i {inventory} --undo",
        f"labdb restore-in-place {server.name} -i {inventory} --forget",
    )
