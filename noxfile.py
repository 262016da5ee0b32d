"""The project's checks, one session each; ``make test`` runs the default ones."""

import os
import shutil
import sys
from pathlib import Path

import nox

HERE = Path(__file__).parent
SCENARIOS = sorted(path.parent.name for path in HERE.glob("molecule/*/molecule.yml"))

nox.options.default_venv_backend = "none"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "lint",
    "types",
    "unit",
    "contract",
    "integration",
    "molecule",
    "end_to_end",
    "virtual_machine",
]
# Every tool comes from the environment that runs nox: what is tested is what is installed.
os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


@nox.session
def lint(session: nox.Session) -> None:
    """Style of Python, YAML, Ansible and prose, and the direction of imports."""
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("yamllint", "--strict", ".")
    session.run("ansible-lint", "--offline")
    session.run("codespell")
    session.run("lint-imports")


@nox.session
def types(session: nox.Session) -> None:
    """Types, strictly."""
    session.run("mypy")


@nox.session
def unit(session: nox.Session) -> None:
    """Pure tests, in seconds."""
    session.run("pytest", "tests/unit", "-q", "--cov", "--cov-fail-under=0", *session.posargs)


@nox.session
def contract(session: nox.Session) -> None:
    """Roles against declaration, docs against commands, wheel against tree, API schema."""
    session.run("pytest", "tests/contract", "-q", *session.posargs)


@nox.session
def integration(session: nox.Session) -> None:
    """Real PostgreSQL, emulated Proxmox VE, real Docker; with unit's, the domain's coverage."""
    session.run("pytest", "tests/integration", "-q", "--cov", "--cov-append", *session.posargs)


@nox.session
@nox.parametrize("scenario", SCENARIOS, ids=SCENARIOS)
def molecule(session: nox.Session, scenario: str) -> None:
    """Run one Molecule scenario: check mode, idempotence, behaviour."""
    session.run("molecule", "test", "--scenario-name", scenario)


@nox.session
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
