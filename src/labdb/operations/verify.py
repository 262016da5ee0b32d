"""Prove from the operator's side that the running server is what it is declared to be.

The proofs are testinfra tests in :mod:`labdb.verify`; pytest runs them in a process of its
own, and each becomes a finding in plain English.
"""

import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from pathlib import Path

from labdb.adapters import shell
from labdb.adapters.content import PACKAGE
from labdb.adapters.inventory import Declaration, MachineDeclaration
from labdb.errors import RunError
from labdb.report import Finding, Phase, Report

NOTHING_WRONG, SOMETHING_WRONG = 0, 1


def verify(declaration: MachineDeclaration) -> Report:
    """Run every proof on a guest that answers and return one finding for each.

    Raises:
        RunError: the proofs could not be run at all.
        UnreachableError: the guest does not answer; not one proof could be tried.
    """
    shell.probe(shell.guest_of(declaration), {})
    return prove(declaration)


def prove(declaration: MachineDeclaration) -> Report:
    """Run every proof and return one finding for each.

    Raises:
        RunError: the proofs could not be run at all.
    """
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="labdb-verify-") as folder:
        results = Path(folder) / "results.xml"
        done = subprocess.run(
            [
                sys.executable, "-m", "pytest", *_proofs(declaration),
                "--rootdir", str(PACKAGE / "verify"), "-c", os.devnull,
                "-q", "--no-header", "--tb=line", "-p", "no:cacheprovider",
                "--import-mode=importlib", f"--basetemp={folder}/pytest", f"--junitxml={results}",
                "-p", "testinfra.plugin",
            ],
            capture_output=True,
            text=True,
            check=False,
            stdin=subprocess.DEVNULL,
            env=_environment(declaration),
        )  # fmt: skip
        if done.returncode not in (NOTHING_WRONG, SOMETHING_WRONG) or not results.is_file():
            said = (done.stdout + done.stderr).strip().splitlines()
            raise RunError(
                f"{declaration.machine.name} could not be verified",
                why=said[-1] if said else f"pytest ended with {done.returncode}",
                hint="run it again; the server itself was not touched",
            )
        findings = tuple(_finding(case) for case in ET.parse(results).iter("testcase"))  # noqa: S314 - written by our own pytest a moment ago
    failed = [finding for finding in findings if finding.is_problem]
    passed = sum(finding.severity == "ok" for finding in findings)
    summary = f"{passed} of {len(findings)} proofs hold"
    return Report(
        "verify",
        declaration.machine.name,
        summary if failed else f"verified: {summary}",
        findings=findings,
        phases=(Phase("verify", round(time.monotonic() - begin, 3)),),
        data={"passed": passed, "failed": len(failed)},
    )


def _proofs(declaration: MachineDeclaration) -> list[str]:
    """Return where the proofs of such a machine are, without those of what is not declared."""
    folder = PACKAGE / "verify"
    if not isinstance(declaration, Declaration):
        return [str(folder / "repository_host")]
    pooled = [] if declaration.server.pooling else [f"--ignore={folder / 'test_pooling.py'}"]
    return [str(folder), f"--ignore={folder / 'repository_host'}", *pooled]


def _environment(declaration: MachineDeclaration) -> dict[str, str]:
    """Return the environment of the proofs: nothing of the operator's own pytest counts."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        "LABDB_VERIFY_INVENTORY": str(declaration.inventory),
        "LABDB_VERIFY_SERVER": declaration.machine.name,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _finding(case: ET.Element) -> Finding:
    name = case.get("name", "")
    sentence = name.removeprefix("test_").partition("[")[0].replace("_", " ")
    if "[" in name:
        sentence += f" ({name.partition('[')[2].rstrip(']').partition('-')[0]})"
    check = f"verify.{case.get('classname', '').rpartition('.')[2]}.{name}"
    for kind in ("failure", "error"):
        trouble = case.find(kind)
        if trouble is not None:
            why = " ".join((trouble.get("message") or trouble.text or "").split())
            return Finding(check, "critical", f"not so: {sentence}", why[:500])
    skipped = case.find("skipped")
    if skipped is not None:
        return Finding(check, "info", f"not asked: {sentence}", skipped.get("message") or "")
    return Finding(check, "ok", sentence)
