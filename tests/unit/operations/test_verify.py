"""Each proof becomes one finding in plain English."""

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from labdb.adapters import shell
from labdb.adapters.inventory import load, load_machine
from labdb.errors import UnreachableError
from labdb.operations import verify
from labdb.spec import Pooling
from labdb.verify.conftest import opened_by

LAB = Path(__file__).parents[3] / "inventories" / "lab"


def _case(name: str, inner: str = "") -> ET.Element:
    return ET.fromstring(
        f'<testcase classname="verify.test_access" name="{name}">{inner}</testcase>'
    )


def test_a_proof_that_holds_is_a_sentence() -> None:
    found = verify._finding(_case("test_data_checksums_are_on"))
    assert (found.severity, found.what) == ("ok", "data checksums are on")
    assert found.check == "verify.test_access.test_data_checksums_are_on"


def test_a_proof_that_fails_says_what_is_not_so_and_why() -> None:
    found = verify._finding(_case("test_x_is_y", '<failure message="AssertionError:  z\n is w"/>'))
    assert (found.severity, found.what) == ("critical", "not so: x is y")
    assert "z is w" in found.why


def test_a_proof_that_broke_before_it_began_is_no_success() -> None:
    assert verify._finding(_case("test_x", '<error message="no route"/>')).is_problem


def test_a_proof_that_was_not_asked_for_is_neither_good_nor_bad() -> None:
    found = verify._finding(_case("test_x", '<skipped message="q3c is not declared"/>'))
    assert (found.severity, found.why) == ("info", "q3c is not declared")


def test_the_operators_pytest_settings_do_not_reach_the_proofs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTEST_ADDOPTS", "--maxfail=1")
    environment = verify._environment(load(LAB, "proj-pg01"))
    assert "PYTEST_ADDOPTS" not in environment
    assert environment["LABDB_VERIFY_SERVER"] == "proj-pg01"


RULES = """table inet labdb {
	chain input {
		type filter hook input priority filter; policy drop;
		ct state established,related accept
		ct state invalid drop
		iif "lo" accept
		meta l4proto { icmp, ipv6-icmp } accept
		ip saddr 198.18.20.0/24 tcp dport 5432 counter packets 2 bytes 120 accept comment "clients"
		ip saddr 198.18.20.9 tcp dport 9100 counter packets 0 bytes 0 accept comment "node exporter"
		counter packets 0 bytes 0 comment "dropped"
	}
}"""


def test_the_proof_of_the_firewall_reads_who_is_let_in() -> None:
    assert opened_by(RULES) == {("198.18.20.0/24", 5432), ("198.18.20.9/32", 9100)}


@pytest.mark.parametrize(
    "rule",
    [
        "tcp dport 5432 accept",
        "ip saddr 0.0.0.0/0 accept",
        "tcp dport { 22, 5432 } accept",
        'iif "eth0" accept',
    ],
)
def test_a_rule_that_opens_more_in_another_way_breaks_the_proof(rule: str) -> None:
    wider = RULES.replace("\t\tcounter packets 0", f"\t\t{rule}\n\t\tcounter packets 0")
    with pytest.raises(AssertionError):
        opened_by(wider)
    with pytest.raises(AssertionError):
        opened_by(RULES.replace("policy drop", "policy accept"))


def test_a_silent_guest_is_unreachable_and_not_a_list_of_failures(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def silent(*_: object) -> None:
        raise UnreachableError("it does not answer")

    monkeypatch.setattr(shell, "probe", silent)
    with pytest.raises(UnreachableError):
        verify.verify(load(LAB, "proj-pg01"))


def test_proofs_of_what_is_not_declared_are_left_out() -> None:
    declared = load(LAB, "proj-pg01")
    folder, *left_out = verify._proofs(declared)
    names = [Path(option.removeprefix("--ignore=")) for option in left_out]
    assert [name.name for name in names] == ["repository_host", "test_pooling.py"]
    assert all(name.exists() and name.is_relative_to(folder) for name in names)
    pooled = declared.server.model_copy(update={"pooling": Pooling()})
    assert len(verify._proofs(replace(declared, machine=pooled))) == len(left_out)


def test_a_repository_host_has_proofs_of_its_own() -> None:
    (folder,) = verify._proofs(load_machine(LAB, "proj-bak01"))
    assert list(Path(folder).glob("test_*.py"))
