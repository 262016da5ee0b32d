"""What stands around a guest in Proxmox VE: its firewall and its backup job."""

from dataclasses import replace

from labdb.domain.desired import DesiredBackup, DesiredGuest
from labdb.domain.guest_config import MADE
from labdb.domain.guest_step import Action, Step
from labdb.facts import BackupJob, FirewallRule, GuestState
from labdb.report import Change, Effect

RULE_OWNER = "labdb: "
"""How the comment of a firewall rule begins that is labdb's to change."""


def plan_firewall(
    wanted: DesiredGuest, guest: GuestState
) -> tuple[tuple[Change, ...], tuple[Step, ...]]:
    """Plan labdb's own rules and, after them, the switch; other people's rules stay."""
    if not wanted.network.firewall:
        return (), ()
    rules = dict.fromkeys(
        replace(rule, comment=RULE_OWNER + rule.comment.removeprefix(RULE_OWNER))
        for rule in wanted.firewall_rules
    )
    live = {rule: rule for rule in guest.firewall_rules if rule.comment.startswith(RULE_OWNER)}
    changes, steps = [], []
    for rule in rules:
        if rule not in live:
            changes.append(Change("firewall", "rule", None, _say(rule), Effect.LIVE))
            steps.append(Step(Action.ADD_RULE, f"allow {_say(rule)}", _rule_parameters(rule)))
    gone = sorted(
        (rule for rule in live.values() if rule not in rules),
        key=lambda rule: -(rule.position or 0),
    )
    for rule in gone:
        changes.append(Change("firewall", "rule", _say(rule), None, Effect.LIVE))
        position = {"pos": str(rule.position or 0)}
        steps.append(Step(Action.DELETE_RULE, f"no longer allow {_say(rule)}", position))
    options = {"enable": "1", "policy_in": "DROP"}
    observed = {"enable": str(int(guest.firewall_enabled)), "policy_in": guest.firewall_policy}
    differing = {key: value for key, value in options.items() if observed[key] != value}
    if differing:
        changes += [
            Change("firewall", key, observed[key], value, Effect.LIVE)
            for key, value in differing.items()
        ]
        steps.append(Step(Action.FIREWALL, "switch the VM's firewall on", differing))
    return tuple(changes), tuple(steps)


def _rule_parameters(rule: FirewallRule) -> dict[str, str]:
    return {
        "type": "in",
        "action": "ACCEPT",
        "enable": "1",
        "proto": rule.protocol,
        "dport": str(rule.port),
        "source": rule.source,
        "comment": rule.comment,
    }


def _say(rule: FirewallRule) -> str:
    comment = rule.comment.removeprefix(RULE_OWNER)
    return f"{rule.protocol} {rule.port} from {rule.source} ({comment})"


def plan_backup(
    wanted: DesiredGuest, live: BackupJob | None
) -> tuple[tuple[Change, ...], tuple[Step, ...]]:
    """Plan the vzdump job ``labdb-<vmid>``; other jobs that hold the guest stay."""
    job = f"labdb-{wanted.vmid}"
    if wanted.backup is None:
        if live is None:
            return (), ()
        change = Change("backup job", job, _say_job(live), None, Effect.LIVE)
        return (change,), (Step(Action.DELETE_BACKUP, f"remove backup job {job}", {"id": job}),)
    goal = BackupJob(job, wanted.backup.storage, wanted.backup.schedule, wanted.backup.keep_daily)
    if live == goal:
        return (), ()
    parameters = _job_parameters(wanted, wanted.backup, job)
    before = _say_job(live) if live else None
    change = Change("backup job", job, before, _say_job(goal), Effect.LIVE)
    action = Action.UPDATE_BACKUP if live else Action.CREATE_BACKUP
    return (change,), (Step(action, f"set backup job {job}", parameters),)


def _job_parameters(wanted: DesiredGuest, backup: DesiredBackup, job: str) -> dict[str, str]:
    return {
        "id": job,
        "vmid": str(wanted.vmid),
        "storage": backup.storage,
        "schedule": backup.schedule,
        "prune-backups": f"keep-daily={backup.keep_daily}",
        "mode": "snapshot",
        "enabled": "1",
        "comment": f"{MADE}: {wanted.name}",
    }


def _say_job(job: BackupJob) -> str:
    off = "" if job.enabled else ", off"
    return f"{job.schedule} to {job.storage}, keep {job.keep_daily} daily{off}"
