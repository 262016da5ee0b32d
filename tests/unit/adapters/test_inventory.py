"""A wrong declaration is refused with file, line, key and the spelling that was meant."""

import shutil
from pathlib import Path

import pytest

from labdb.adapters import inventory
from labdb.errors import DeclarationError
from labdb.spec import RepositoryHost

LAB = Path(__file__).parents[3] / "inventories" / "lab"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    return Path(shutil.copytree(LAB, tmp_path / "lab", ignore=shutil.ignore_patterns("vault.yml")))


def _server_file(folder: Path) -> Path:
    return folder / "host_vars" / "proj-pg01" / "server.yml"


def _wrong(folder: Path, old: str, new: str) -> str:
    path = _server_file(folder)
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(DeclarationError) as caught:
        inventory.load(folder, "proj-pg01")
    assert str(path) in caught.value.what
    return str(caught.value)


def test_the_inventories_of_the_repository_are_read() -> None:
    for name in ("lab", "production"):
        declared = inventory.load(LAB.parent / name, "proj-pg01")
        assert declared.server.name == "proj-pg01"
        assert declared.environment.name == name


def test_a_mistyped_key_gets_its_line_and_the_nearest_known_key(copy: Path) -> None:
    said = _wrong(copy, "memory: 8GB", "memry: 8GB")
    assert "line 13: labdb_server.guest.memry" in said
    assert "did you mean memory?" in said


def test_a_wrong_unit_gets_its_right_spelling(copy: Path) -> None:
    assert "did you mean 8GB?" in _wrong(copy, "memory: 8GB", "memory: 8gb")


def test_a_size_without_unit_is_refused(copy: Path) -> None:
    assert "storage.data.size: a size needs a unit" in _wrong(copy, "size: 250GB", "size: 250")


def test_a_wrong_word_gets_the_nearest_allowed_one(copy: Path) -> None:
    said = _wrong(copy, "kind: admin", "kind: adminn")
    assert "access.roles.0.kind" in said
    assert "did you mean admin?" in said


def test_a_missing_key_is_named(copy: Path) -> None:
    assert "guest.vmid: is required and absent" in _wrong(copy, "    vmid: 2002\n", "")


def test_every_mistake_is_told_at_once(copy: Path) -> None:
    text = _server_file(copy).read_text(encoding="utf-8")
    _server_file(copy).write_text(text.replace("order", "oder"), encoding="utf-8")
    said = _wrong(copy, "memory: 8GB\n", "memory: 8G\n    cores: 4\n")
    assert "2 mistakes" in said
    assert "guest.cores" in said


def test_broken_yaml_gets_line_and_column(copy: Path) -> None:
    assert ", line 5, column 9: this is not valid YAML" in _wrong(copy, "  guest:\n", "  guest\n")


def test_a_key_written_twice_is_refused(copy: Path) -> None:
    said = _wrong(copy, "bridge: vmbr1", "bridge: vmbr1\n      bridge: vmbr0")
    assert "key 'bridge' was already written in line 15" in said


def test_a_rule_across_keys_is_told_in_words(copy: Path) -> None:
    said = _wrong(copy, "data_directory: /mnt/data/pg01", "data_directory: /srv/pg01")
    assert "must lie below storage.data.mount /mnt/data" in said


def test_another_top_level_key_is_refused(copy: Path) -> None:
    assert "write labdb_server in place of labdb_sever" in _wrong(
        copy, "labdb_server:", "labdb_sever:"
    )


def test_the_name_must_be_that_of_the_directory(copy: Path) -> None:
    assert "write name: proj-pg01" in _wrong(copy, "name: proj-pg01", "name: proj-pg02")


def test_an_unknown_server_gets_the_nearest_known_one(copy: Path) -> None:
    with pytest.raises(DeclarationError, match=r"(?s)declared there: proj-pg01.*proj-pg01\?"):
        inventory.load(copy, "proj-pg1")


def test_a_directory_that_is_no_inventory_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeclarationError, match="is not an inventory"):
        inventory.servers(tmp_path)


def test_a_missing_environment_is_told(copy: Path) -> None:
    (copy / "group_vars" / "all" / "environment.yml").unlink()
    with pytest.raises(DeclarationError, match=r"environment\.yml does not exist"):
        inventory.load(copy, "proj-pg01")


def test_a_server_comes_with_the_hosts_that_keep_its_backups() -> None:
    declared = inventory.load(LAB, "proj-pg01")
    assert [host.name for host in declared.repository_hosts] == ["proj-bak01"]
    assert inventory.load_machine(LAB, "proj-pg01") == declared


def test_a_repository_host_is_a_machine_and_no_server() -> None:
    assert inventory.load_machine(LAB, "proj-bak01").machine.name == "proj-bak01"
    with pytest.raises(DeclarationError, match="proj-bak01 is a repository host"):
        inventory.load(LAB, "proj-bak01")


def test_a_mistyped_machine_gets_the_nearest_name_of_any_kind() -> None:
    with pytest.raises(DeclarationError, match="did you mean proj-bak01"):
        inventory.load_machine(LAB, "proj-bak1")


def test_a_repository_host_is_read_as_strictly_as_a_server(copy: Path) -> None:
    path = copy / "host_vars" / "proj-bak01" / "repository_host.yml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("network: 198.18.20.8/32", "network: 0.0.0.0/0"), encoding="utf-8")
    with pytest.raises(DeclarationError, match="opens the host to the world"):
        inventory.load(copy, "proj-pg01")


def _let_in(folder: Path, *names: str) -> RepositoryHost:
    """Let further servers store on the host, and return it."""
    path = folder / "host_vars" / "proj-bak01" / "repository_host.yml"
    line = "      - name: proj-pg01\n"
    more = "".join(f"      - {{name: {name}, network: 198.18.20.9/32}}\n" for name in names)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace(line, more + line), encoding="utf-8")
    host = inventory.load_machine(folder, "proj-bak01").machine
    assert isinstance(host, RepositoryHost)
    return host


def _second(folder: Path, old: str = "", new: str = "") -> None:
    """Declare proj-pg02 like proj-pg01, with *new* in place of *old*."""
    text = _server_file(folder).read_text(encoding="utf-8").replace("proj-pg01", "proj-pg02")
    path = folder / "host_vars" / "proj-pg02" / "server.yml"
    path.parent.mkdir()
    path.write_text(text.replace(old, new) if old else text, encoding="utf-8")


def test_every_declared_server_that_is_let_in_stores_on_a_host(copy: Path) -> None:
    _second(copy)
    found = inventory.storing(copy, _let_in(copy))
    assert ([server.name for server in found.servers], found.unknown) == (["proj-pg01"], {})
    found = inventory.storing(copy, _let_in(copy, "proj-pg02"))
    assert [server.name for server in found.servers] == ["proj-pg02", "proj-pg01"]


def test_who_stores_unknown_things_on_a_host_is_named_and_holds_nothing_up(copy: Path) -> None:
    _second(copy, "memory: 8GB", "memry: 8GB")
    found = inventory.storing(copy, _let_in(copy, "proj-pg02", "proj-pg09"))
    assert [server.name for server in found.servers] == ["proj-pg01"]
    assert found.unknown["proj-pg09"] == "this inventory does not declare it"
    assert "proj-pg02/server.yml: " in found.unknown["proj-pg02"]


def test_a_server_that_declares_another_repository_stores_nothing_there(copy: Path) -> None:
    _second(copy, "host: proj-bak01", "host: proj-bak02")
    found = inventory.storing(copy, _let_in(copy, "proj-pg02"))
    assert found.unknown == {"proj-pg02": "it declares no repository on proj-bak01"}
