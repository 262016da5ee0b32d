"""Clock and reboot of every machine: whatever it is for."""

from typing import Any

import pytest

from labdb.domain.machine_health import machine_findings
from labdb.report import Finding


def _seen(**changes: Any) -> dict[str, Any]:
    well = {"skipped": False, "offset": -0.0004, "leap": "Normal"}
    return {"units": {}, "mounts": {}, "clock": well, "texts": {}} | changes


def _of(check: str, seen: dict[str, Any]) -> list[Finding]:
    return [item for item in machine_findings(seen, {}, mounts=()) if item.check == check]


@pytest.mark.parametrize(
    ("clock", "severity", "says"),
    [
        ({"skipped": False, "offset": -0.0004, "leap": "Normal"}, "ok", "off by 0.000 s"),
        ({"skipped": False, "offset": -2.5, "leap": "Normal"}, "warning", "off by 2.500 s"),
        ({"skipped": False, "offset": 0.0, "leap": "Not synchronised"}, "warning", "no time"),
        ({"skipped": False, "error": "506 Cannot talk to daemon"}, "warning", "nothing keeps"),
        ({"skipped": True, "error": "506 Cannot talk to daemon"}, "ok", "the node's"),
    ],
)
def test_a_clock_that_nobody_keeps_right_is_a_warning(
    clock: dict[str, Any], severity: str, says: str
) -> None:
    (found,) = _of("clock", _seen(clock=clock))
    assert found.severity == severity
    assert says in found.what


def test_a_reboot_that_is_waited_for_names_its_packages() -> None:
    assert _of("reboot", _seen()) == []
    texts = {
        "/run/reboot-required": "*** System restart required ***\n",
        "/run/reboot-required.pkgs": "linux-image-amd64\nlibc6\nlibc6\n",
    }
    (found,) = _of("reboot", _seen(texts=texts))
    assert (found.severity, found.why) == ("warning", "libc6, linux-image-amd64")


def test_a_distribution_that_names_no_packages_is_understood_too() -> None:
    (found,) = _of("reboot", _seen(texts={"/run/reboot-required": ""}))
    assert (found.severity, found.why) == ("warning", "")
