"""The remedy for a missing right is one line of the documented setup, never a wider one."""

from pathlib import Path

import pytest
import yaml

from labdb.domain.desired import DesiredGuest
from labdb.domain.privileges import Privilege, Role, grants, remedy, required, roles
from labdb.spec import Server

TOP = Path(__file__).parents[3]
TOKEN_ID = "labdb@pve!provision"


def _wanted() -> DesiredGuest:
    path = TOP / "inventories/production/host_vars/proj-pg01/server.yml"
    declared = yaml.safe_load(path.read_text(encoding="utf-8"))["labdb_server"]
    return DesiredGuest.of(Server.model_validate(declared))


def _both_versions() -> list[tuple[str, Privilege]]:
    return [(version, item) for version in ("8", "9") for item in required(_wanted(), version)]


@pytest.mark.parametrize(
    ("version", "lacking"), _both_versions(), ids=lambda value: getattr(value, "name", value)
)
def test_a_missing_right_is_given_by_the_role_that_its_path_has(
    version: str, lacking: Privilege
) -> None:
    wanted = _wanted()
    (grant,) = [item for item in grants(wanted, version) if item.path == lacking.path]
    assert lacking.name in roles(wanted, version)[grant.role]
    change, give = remedy(TOKEN_ID, lacking.path, lacking.name, wanted).split(" && ")
    assert change == f"pveum role modify {grant.role} --append 1 --privs {lacking.name}"
    assert give == grant.command(TOKEN_ID)


def test_the_documented_setup_holds_every_remedy() -> None:
    page = (TOP / "docs/reference/token-privileges.md").read_text(encoding="utf-8")
    wanted = _wanted()
    for lacking in required(wanted, "9"):
        give = remedy(TOKEN_ID, lacking.path, lacking.name, wanted).split(" && ")[1]
        assert f"$ {give}\n" in page


def test_the_user_gets_the_right_too_else_the_token_would_not_have_it() -> None:
    said = remedy(TOKEN_ID, "/vms/2002", "VM.Audit", _wanted())
    assert "--users labdb@pve --tokens 'labdb@pve!provision'" in said


def test_a_right_on_the_root_does_not_reach_every_guest() -> None:
    assert remedy(TOKEN_ID, "/", "Sys.Modify", _wanted()).endswith("--propagate 0")


def test_only_the_guest_and_its_disks_get_the_role_that_changes_things() -> None:
    for grant in grants(_wanted(), "9"):
        changes = grant.path in ("/vms/2002", "/storage/nvmethin01") or "/sdn/" in grant.path
        assert (grant.role is Role.GUEST) is changes, grant.path


def test_a_path_that_the_guest_does_not_know_goes_by_the_right_alone() -> None:
    said = remedy(TOKEN_ID, "/storage/images", "Datastore.AllocateTemplate", _wanted())
    assert "role modify labdb --append" in said
    assert "role modify labdb-audit " in remedy(TOKEN_ID, "/storage/images", "Datastore.Audit")
