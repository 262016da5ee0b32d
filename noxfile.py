"""The project's checks, one session each; ``make test`` runs the default ones."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import nox

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("molecule/*/molecule.yml"))
LONG = bool(os.environ.get("LABDB_LONG"))
AT_ONCE = 2
# pytest's last line: "2 failed, 41 passed, 3 deselected in 12.30s".
TALLY = re.compile(r"(?:^|= )((?:\d+ \w+, )*\d+ \w+) in [\d.]+s", re.MULTILINE)
BY_TWO = ("--numprocesses", str(AT_ONCE))

nox.options.default_venv_backend = "none"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["together"]
if os.environ.get("LABDB_E2E_QEMU"):
    nox.options.sessions.append("virtual_machine")
if LONG:
    # Else pyproject.toml leaves them out.
    os.environ["PYTEST_ADDOPTS"] = f"{os.environ.get('PYTEST_ADDOPTS', '')} -m 'long or not long'"
# Every tool comes from the environment that runs nox: what is tested is what is installed.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@nox.session
def together(session: nox.Session) -> None:
    """Run all other sessions, two at a time; what a failed one said is shown, all are counted."""
    scenarios = {name: f"molecule({name})" for name in SCENARIOS}
    # The long tests of this one state a factor of time: it runs alone.
    alone = [scenarios.pop("pgbouncer")] if LONG else []
    # These share one network, 198.19: one after the other.
    lab = [
        "end_to_end",
        *(scenarios.pop(name) for name in SCENARIOS if name.startswith("proxmox_")),
    ]
    # While the lab fills the caches; the coverage of the last two counts as one.
    checks = ["lint", "types", "contract", "unit", "integration"]
    # The longest begin first, so that no one waits for them at the end.
    first = [scenarios.pop(name) for name in ("pgbackrest_restore", "restore_drill")]
    rows = [lab, checks, *([name] for name in (*first, *scenarios.values()))]
    begin = time.monotonic()
    done = [_ran(session, name) for name in alone]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for ran in pool.map(lambda names: [_ran(session, name) for name in names], rows):
            done += ran
    tests = sum((each.tests for each in done), Counter[str]())
    counted = ", ".join(f"{tests[kind]} {kind}" for kind in sorted(tests))
    sys.stdout.write(f"=== {counted} in {time.monotonic() - begin:.2f}s ===\n")
    failed = [each.name for each in done if not each.passed]
    if failed:
        session.error(f"failed: {', '.join(failed)}")


class Ran(NamedTuple):
    """How a session ended, and how many tests of it passed, failed, were skipped."""

    name: str
    passed: bool
    tests: Counter[str]


def _ran(session: nox.Session, name: str) -> Ran:
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "nox", "--session", name],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    verdict = "failed" if done.returncode else "passed"
    tallies = TALLY.findall(done.stdout)
    told = ": ".join([f"{verdict} in {time.monotonic() - begin:.0f} s", *tallies])
    session.log(f"{name} {told}")
    if done.returncode:
        sys.stdout.write(done.stdout)
    tests: Counter[str] = Counter()
    for number, kind in (each.split() for tally in tallies for each in tally.split(", ")):
        tests[kind] += int(number)
    return Ran(name, not done.returncode, tests)


@nox.session(default=False)
def lint(session: nox.Session) -> None:
    """Style of Python, YAML, Ansible and prose, and the direction of imports."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("yamllint", "--strict", ".")
    session.run("ansible-lint", "--offline")
    session.run("codespell")
    session.run("lint-imports")


@nox.session(default=False)
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.run("mypy")


@nox.session(default=False)
def unit(session: nox.Session) -> None:
    """Pure tests, in seconds."""
    session.run(
        "pytest", "tests/unit", "-q", *BY_TWO, "--cov", "--cov-fail-under=0", *session.posargs
    )


@nox.session(default=False)
def contract(session: nox.Session) -> None:
    """Roles against declaration, docs against commands, wheel against tree, API schema."""
    session.run("pytest", "tests/contract", "-q", *BY_TWO, *session.posargs)


@nox.session(default=False)
def integration(session: nox.Session) -> None:
    """Real PostgreSQL, emulated Proxmox VE, real Docker; with unit's, the domain's coverage."""
    session.run("pytest", "tests/integration", "-q", "--cov", "--cov-append", *session.posargs)


@nox.session(default=False)
@nox.parametrize("scenario", SCENARIOS, ids=SCENARIOS)
def molecule(session: nox.Session, scenario: str) -> None:
    """Run one Molecule scenario: check mode, idempotence, behaviour."""
    session.run("molecule", "test", "--scenario-name", scenario)


@nox.session(default=False)
def end_to_end(session: nox.Session) -> None:
    """Provision the declared server on the embedded lab, twice, and read the docs to it."""
    session.run("pytest", "tests/e2e", "-q", *session.posargs)


@nox.session
def virtual_machine(session: nox.Session) -> None:
    """Boot the declared server under QEMU and provision it; LABDB_E2E_QEMU=1 asks for it."""
    session.run("pytest", "tests/qemu", "-q", "--log-cli-level=INFO", *session.posargs)


@nox.session(default=False)
def clean(session: nox.Session) -> None:
    """Remove what the sessions leave behind."""
    for name in ("build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    session.log("clean")
