"""The declaration, the roles' argument specs and their defaults say the same."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator

from labdb.adapters import repository
from labdb.domain.variables import role_variables
from labdb.spec import Environment, Server

TOP = Path(__file__).parents[2]
ROLES = sorted(path.name for path in (TOP / "roles").iterdir() if path.is_dir())
# The inventories of the repository, and one of them with what they leave out.
DECLARATIONS = ("lab", "production", "production with a pooler, exports, a bucket and a project")
BUCKET = {"kind": "s3", "endpoint": "s3.example.org", "bucket": "backups", "region": "eu-1"}
PROJECT = {
    "name": "voids",
    "profile": "void-galaxies",
    "networks": ["10.25.20.0/24"],
    "people": [{"name": "voids_dev", "kind": "owner"}, {"name": "voids_look", "kind": "analyst"}],
}
# Found by the filter's own caller, or typed by a person.
OUTSIDE_THE_DECLARATION = {"declaration_server", "declaration_environment"}


def _read(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8")) or {}


def _options(role: str) -> dict[str, Any]:
    specs = _read(TOP / "roles" / role / "meta" / "argument_specs.yml")
    options: dict[str, Any] = specs["argument_specs"]["main"]["options"]
    return options


def _of_the_playbooks() -> set[str]:
    """Variables that playbooks/group_vars sets: secrets from the vault, labdb's own paths."""
    return set(_read(TOP / "playbooks" / "group_vars" / "labdb_servers.yml"))


def _expanded(declaration: str) -> dict[str, Any]:
    folder = TOP / "inventories" / declaration.partition(" ")[0]
    server = _read(folder / "host_vars" / "proj-pg01" / "server.yml")["labdb_server"]
    if "pooler" in declaration:
        server["pooling"] = {"pools": {"analyst": 6}}
        server["backup"]["export"] = {}
        server["backup"]["repositories"] = [BUCKET]
        server["projects"] = [PROJECT]
    shared = _read(folder / "group_vars" / "all" / "environment.yml")["labdb_environment"]
    variables: dict[str, Any] = role_variables(
        Server.model_validate(server), Environment.model_validate(shared)
    )
    return variables


@pytest.mark.parametrize("role", ROLES)
def test_every_default_stands_in_the_argument_spec_with_the_same_value(role: str) -> None:
    defaults = _read(TOP / "roles" / role / "defaults" / "main.yml")
    specified = {
        name: option["default"] for name, option in _options(role).items() if "default" in option
    }
    assert defaults == specified


@pytest.mark.parametrize("role", ROLES)
def test_an_option_without_default_is_required(role: str) -> None:
    loose = [
        name
        for name, option in _options(role).items()
        if "default" not in option and not option.get("required")
    ]
    assert loose == []


@pytest.mark.parametrize("role", ROLES)
def test_every_option_is_prefixed_and_described(role: str) -> None:
    for name, option in _options(role).items():
        assert name.startswith(f"{role}_")
        assert option.get("description"), name


@pytest.mark.parametrize("role", ROLES)
def test_every_role_has_its_parts(role: str) -> None:
    for part in ("README.md", "defaults/main.yml", "meta/main.yml", "tasks/main.yml"):
        assert (TOP / "roles" / role / part).is_file(), part


@pytest.mark.parametrize("role", ROLES)
def test_only_the_roles_own_tags_and_always_are_used(role: str) -> None:
    tags: set[str] = set()

    def collect(tasks: Any) -> None:
        for task in tasks or []:
            tags.update(task.get("tags", []))
            apply = (
                (task.get("ansible.builtin.include_tasks") or {}) if isinstance(task, dict) else {}
            )
            if isinstance(apply, dict):
                tags.update(apply.get("apply", {}).get("tags", []))
            for part in ("block", "rescue", "always"):
                collect(task.get(part))

    for path in (TOP / "roles" / role / "tasks").glob("*.yml"):
        collect(_read(path))
    assert [
        tag
        for tag in sorted(tags)
        if tag not in ("always", role) and not tag.startswith(role + "_")
    ] == []


def test_the_plan_looks_for_the_suites_that_the_role_installs_from() -> None:
    platforms = _read(TOP / "roles" / "postgresql" / "meta" / "main.yml")["galaxy_info"][
        "platforms"
    ]
    names = {f"{version}-pgdg" for platform in platforms for version in platform["versions"]}
    assert set(repository.SUITES) == names


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_the_declaration_expands_to_variables_that_the_roles_know(declaration: str) -> None:
    known = {name for role in ROLES for name in _options(role)}
    assert sorted(set(_expanded(declaration)) - known) == []


@pytest.mark.parametrize("declaration", DECLARATIONS)
def test_the_declaration_sets_everything_that_a_role_requires(declaration: str) -> None:
    used = {
        entry["role"]
        for playbook in ("guest", "server", "targets")
        for play in _read(TOP / "playbooks" / f"{playbook}.yml")
        for entry in play["roles"]
    }
    required = {
        name for role in used for name, option in _options(role).items() if option.get("required")
    }
    given = set(_expanded(declaration)) | _of_the_playbooks() | OUTSIDE_THE_DECLARATION
    assert sorted(required - given) == []


@pytest.mark.parametrize("declaration", DECLARATIONS)
@pytest.mark.parametrize("role", ROLES)
def test_expanded_values_pass_the_roles_own_validation(declaration: str, role: str) -> None:
    options = _options(role)
    values = {name: value for name, value in _expanded(declaration).items() if name in options}
    # Templates among the defaults are Ansible's to resolve; the declared values are checked here.
    declared = {name: {**options[name], "required": False} for name in values}
    for option in declared.values():
        option.pop("default", None)
    result = ArgumentSpecValidator(declared).validate(values)
    assert result.error_messages == []


# Data that is adopted without its configuration gets a start; later these files are the server's.
WRITTEN_ONCE = {"postgresql": {"postgresql.conf.j2", "pg_hba.conf.j2", "pg_ident.conf.j2"}}
LOOKING = [
    role
    for role in ROLES
    if any("labdb_look" in path.read_text() for path in (TOP / "roles" / role).rglob("*.yml"))
]


def _looked_at(role: str) -> str:
    parts = ("tasks/preflight.yml", "tasks/main.yml", "vars/main.yml")
    paths = [TOP / "roles" / role / part for part in parts]
    return "\n".join(path.read_text(encoding="utf-8") for path in paths if path.is_file())


@pytest.mark.parametrize("role", LOOKING)
def test_every_file_that_a_role_writes_is_looked_at(role: str) -> None:
    templates = {path.name for path in (TOP / "roles" / role / "templates").glob("*.j2")}
    text = _looked_at(role)
    unseen = {name for name in templates if name.removesuffix(".j2") not in text}
    assert unseen - WRITTEN_ONCE.get(role, set()) == set()


@pytest.mark.parametrize("role", LOOKING)
def test_every_package_that_a_role_installs_is_looked_at(role: str) -> None:
    packages = {
        task["ansible.builtin.apt"]["name"]
        for path in (TOP / "roles" / role / "tasks").glob("*.yml")
        for task in _read(path)
        if "ansible.builtin.apt" in task
    }
    assert {name for name in packages if name not in _looked_at(role)} == set()
