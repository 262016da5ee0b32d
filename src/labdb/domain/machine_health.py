"""Judge what every guest tells about itself, whatever it is for: disks, units, clock, reboot.

Thresholds are those of the lab's alerts, each written once, here.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from labdb.domain.capacity import DAY, Sample, days_to_full
from labdb.report import Finding
from labdb.size import human_size

HOUR = 3600.0
CLOCK_SLACK = 60.0
"""What is younger than nothing by more than that was done before the clock went back."""
DISK_WARNING, DISK_CRITICAL = 0.80, 0.90
DAYS_WARNING = 14.0


CLOCK_WARNING = 1.0
"""Seconds that the clock may be off."""
CLOCK = "chrony.service"
REBOOT, REBOOT_PACKAGES = "/run/reboot-required", "/run/reboot-required.pkgs"
"""Where the distribution notes that a package waits for a reboot, and which."""


def machine_findings(
    seen: Mapping[str, Any],
    history: Mapping[str, Sequence[Sample]],
    *,
    mounts: Sequence[str],
    at_rest: Sequence[str] = (),
) -> tuple[Finding, ...]:
    """Return a finding for each thing that every guest has.

    Args:
        seen: the probe's answer.
        history: samples of each mount point, oldest first.
        mounts: the mount points that must be there.
        at_rest: units that need not run, as long as they have not failed.
    """
    return (
        *_units(seen, at_rest),
        *(finding for mount in mounts for finding in _disk(mount, seen, history)),
        _clock(seen),
        *_reboot(seen),
    )


def _units(seen: Mapping[str, Any], at_rest: Sequence[str]) -> list[Finding]:
    findings = []
    for name, state in seen.get("units", {}).items():
        active = state.get("ActiveState", "unknown")
        if active == "active" or (name in at_rest and active != "failed"):
            continue
        what = f"{name} failed" if active == "failed" else f"{name} does not run"
        why = f"systemd calls it {active} ({state.get('Result', '')})"
        findings.append(Finding("unit", "critical", what, why, f"journalctl -u {name}"))
    return findings or [Finding("units", "ok", "every service runs and every timer is armed")]


def _disk(
    mount: str, seen: Mapping[str, Any], history: Mapping[str, Sequence[Sample]]
) -> list[Finding]:
    disk = seen.get("mounts", {}).get(mount)
    if disk is None:
        what = f"nothing is mounted at {mount}"
        hint = "labdb provision mounts it"
        return [] if mount == "/" else [Finding("disk", "critical", what, hint=hint)]
    share = disk["used"] / disk["size"]
    days = days_to_full(history.get(mount, ()))
    what = f"{mount} is {share:.0%} full, {human_size(disk['free'])} left"
    hint = "declare a larger size and provision; disks grow while the server runs"
    if share >= DISK_CRITICAL:
        return [Finding("disk", "critical", what, hint=hint)]
    if share >= DISK_WARNING:
        return [Finding("disk", "warning", what, hint=hint)]
    if days is not None and days < DAYS_WARNING:
        return [Finding("disk", "warning", f"{what}; full in {days:.0f} days", hint=hint)]
    return [Finding("disk", "ok", what)]


def _clock(seen: Mapping[str, Any]) -> Finding:
    found = seen["clock"]
    if found["skipped"]:
        return Finding("clock", "ok", f"the clock is the node's: systemd skips {CLOCK} here")
    if "leap" not in found:
        what, why = "nothing keeps the clock right", found["error"]
        return Finding("clock", "warning", what, why, f"journalctl -u {CLOCK}")
    if found["leap"] == "Not synchronised":
        what, hint = "the clock follows no time server", "chronyc sources on the guest says why"
        return Finding("clock", "warning", what, hint=hint)
    what = f"the clock is off by {abs(found['offset']):.3f} s"
    if abs(found["offset"]) > CLOCK_WARNING:
        hint = "chronyc sources on the guest says whom it follows"
        return Finding("clock", "warning", what, "recovery to a moment goes by this clock", hint)
    return Finding("clock", "ok", what)


def _reboot(seen: Mapping[str, Any]) -> list[Finding]:
    if REBOOT not in seen["texts"]:
        return []
    waiting = ", ".join(sorted(set(seen["texts"].get(REBOOT_PACKAGES, "").split())))
    what = "the guest waits for a reboot"
    hint = "reboot it when nobody works; labdb does not by itself"
    return [Finding("reboot", "warning", what, waiting, hint)]


def ago(age: float) -> str:
    """Return for a reader when something was that is so many seconds old.

    >>> ago(5400), ago(-5400)
    ('90 min ago', '90 min in the future')
    """
    if age < -CLOCK_SLACK:
        return f"{duration(-age)} in the future"
    return f"{duration(age)} ago"


def duration(seconds: float) -> str:
    """Return *seconds* for a reader: the largest unit that gives a whole number.

    >>> duration(5400)
    '90 min'
    """
    for name, size, least in (("d", DAY, 2), ("h", HOUR, 2), ("min", 60.0, 2)):
        if seconds >= size * least:
            return f"{seconds / size:.0f} {name}"
    return f"{max(seconds, 0):.0f} s"
