"""Where the lab lives, and what the environment may change of it."""

from pathlib import Path

import pytest

from labdb.errors import UsageError
from labdb.lab.settings import LabSettings


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LABDB_LAB_NETWORK", "LABDB_LAB_API_PORT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LABDB_STATE", str(tmp_path))


def test_a_vlan_has_the_network_that_production_has_in_the_lab_s_range() -> None:
    settings = LabSettings.load()
    assert str(settings.subnet(20)) == "198.18.20.0/24"
    assert str(settings.gateway(20)) == "198.18.20.1"
    assert settings.subnet(20).subnet_of(settings.range)


def test_another_range_and_port_can_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABDB_LAB_NETWORK", "198.19")
    monkeypatch.setenv("LABDB_LAB_API_PORT", "18006")
    settings = LabSettings.load()
    assert str(settings.gateway(10)) == "198.19.10.1"
    assert settings.api_url == "https://127.0.0.1:18006"


@pytest.mark.parametrize("text", ["198", "198.18.20", "300.1", "lab", "198.18/15"])
def test_what_is_no_network_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LABDB_LAB_NETWORK", text)
    with pytest.raises(UsageError) as caught:
        LabSettings.load()
    assert "198.19" in caught.value.hint


def test_the_real_lab_s_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABDB_LAB_NETWORK", "10.25")
    with pytest.raises(UsageError, match="real lab's own range"):
        LabSettings.load()


@pytest.mark.parametrize("text", ["0", "65536", "https", "-1"])
def test_what_is_no_port_is_refused(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("LABDB_LAB_API_PORT", text)
    with pytest.raises(UsageError, match="no port"):
        LabSettings.load()


@pytest.mark.parametrize("vlan", [0, 255, 4094])
def test_a_vlan_without_an_octet_is_refused(vlan: int) -> None:
    with pytest.raises(UsageError, match=f"VLAN {vlan} has no network"):
        LabSettings.load().subnet(vlan)


def test_files_stand_where_the_inventory_looks_for_them(tmp_path: Path) -> None:
    settings = LabSettings.load()
    assert settings.token_file == tmp_path / "lab/api/token"
    assert settings.ca_file == tmp_path / "lab/api/ca.pem"
    assert settings.ssh_key == tmp_path / "lab/ssh/id_ed25519"
    assert settings.vault_key == tmp_path / "lab/vault-key"
