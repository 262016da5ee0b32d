"""Where the playbooks, roles and plugins are: the same path in the wheel and in a checkout."""

from importlib.util import find_spec
from pathlib import Path

import labdb
from labdb.errors import UsageError

PACKAGE = Path(labdb.__file__).resolve().parent
ROOT = PACKAGE / "_ansible"


def playbook(name: str) -> Path:
    """Return the playbook called *name*; a command and its playbook share their name.

    Raises:
        UsageError: there is none of that name.
    """
    path = ROOT / "playbooks" / f"{name}.yml"
    if not path.is_file():
        raise UsageError(
            f"there is no playbook {name!r}",
            why=f"{path} does not exist",
            hint="install labdb again; its package is not complete",
        )
    return path


def ansible_environment() -> dict[str, str]:
    """Return the ``ANSIBLE_*`` variables that make a run independent of the operator's own."""
    plugins = PACKAGE / "plugins"
    return {
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_ROLES_PATH": str(ROOT / "roles"),
        "ANSIBLE_FILTER_PLUGINS": str(plugins / "filter"),
        "ANSIBLE_LIBRARY": str(plugins / "modules"),
        "ANSIBLE_LOOKUP_PLUGINS": str(plugins / "lookup"),
        "ANSIBLE_CALLBACK_PLUGINS": "",
        "ANSIBLE_STDOUT_CALLBACK": "default",
        "ANSIBLE_HOST_KEY_CHECKING": "True",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_DEPRECATION_WARNINGS": "False",
        "ANSIBLE_LOCALHOST_WARNING": "False",
        # One interpreter in the guest for the whole run, in place of a new one for each task.
        "ANSIBLE_STRATEGY": "mitogen_linear",
        "ANSIBLE_STRATEGY_PLUGINS": str(_mitogen() / "plugins" / "strategy"),
    }


def _mitogen() -> Path:
    """Return the folder of Mitogen's Ansible plugins, without importing them."""
    found = find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        raise UsageError("mitogen is not installed", hint="install labdb again")
    return Path(found.origin).parent


def query(name: str) -> str:
    """Return the SQL text of ``sql/<name>.sql``."""
    return (PACKAGE / "sql" / f"{name}.sql").read_text(encoding="utf-8")
