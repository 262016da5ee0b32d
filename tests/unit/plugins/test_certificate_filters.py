"""Playbooks judge certificates by the same functions, on plain PEM texts."""

from labdb.adapters.authority import new_authority
from labdb.plugins.filter.labdb_certificate import FilterModule

FILTERS = FilterModule().filters()
CERTIFICATE, KEY = new_authority("lab")


def test_a_pair_that_belongs_together_has_no_fault() -> None:
    public = FILTERS["labdb_public_key"](KEY)
    assert FILTERS["labdb_pair_fault"](CERTIFICATE, public) == ""


def test_a_pair_of_strangers_has_one() -> None:
    public = FILTERS["labdb_public_key"](new_authority("lab")[1])
    assert "not the certificate of the key" in FILTERS["labdb_pair_fault"](CERTIFICATE, public)


def test_an_authoritys_own_certificate_is_no_servers() -> None:
    public = FILTERS["labdb_public_key"](KEY)
    told = FILTERS["labdb_issue_fault"](CERTIFICATE, public, CERTIFICATE, ["DNS:a"], 30)
    assert told == "it carries other names"
