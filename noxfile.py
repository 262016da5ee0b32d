"""The project's checks, one session each; ``make test`` runs the default ones."""

import os
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nox

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("molecule/*/molecule.yml"))
LONG = bool(os.environ.get("LABDB_LONG"))
AT_ONCE = 2
BY_TWO = ("--numprocesses", str(AT_ONCE))

nox.options.default_venv_backend = "none"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = ["together", "virtual_machine"]
if LONG:
    # Else pyproject.toml leaves them out.
    os.environ["PYTEST_ADDOPTS"] = f"{os.environ.get('PYTEST_ADDOPTS', '')} -m 'long or not long'"
# Every tool comes from the environment that runs nox: what is tested is what is installed.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@nox.session
def together(session: nox.Session) -> None:
    """Run all other sessions, two at a time; what a failed one said is shown."""
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
    failed = [name for name in alone if not _passes(session, name)]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        found = pool.map(lambda names: [n for n in names if not _passes(session, n)], rows)
        failed += [name for names in found for name in names]
    if failed:
        session.error(f"failed: {', '.join(failed)}")


def _passes(session: nox.Session, name: str) -> bool:
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
    session.log(f"{name} {verdict} in {time.monotonic() - begin:.0f} s")
    if done.returncode:
        sys.stdout.write(done.stdout)
    return not done.returncode


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
    """Boot the declared server under QEMU and provision it, where LABDB_E2E_QEMU=1 asks for it."""
    session.run("pytest", "tests/qemu", "-q", "--log-cli-level=INFO", *session.posargs)


@nox.session(default=False)
def clean(session: nox.Session) -> None:
    """Remove what the sessions leave behind."""
    for name in ("build", "dist", ".mypy_cache", ".ruff_cache", ".pytest_cache"):
        shutil.rmtree(HERE / name, ignore_errors=True)
    session.log("clean")
