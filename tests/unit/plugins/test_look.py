"""A look tells what differs, whatever it is, and never what a file holds."""

import os
import pwd
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from labdb.plugins.lookup.labdb_look import LookupModule
from labdb.plugins.modules import labdb_look as look

SERVICE = {"name": "a.service", "enabled": True, "active": True}
WELL = {"UnitFileState": "enabled", "ActiveState": "active", "ConditionResult": "yes"}


def _file(path: Path, **wanted: Any) -> list[str]:
    return look.look_at_file({"path": str(path), **wanted})


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret"
    path.write_text("passphrase=hunter2\n", encoding="utf-8")
    path.chmod(0o640)
    return path


def test_a_file_that_is_as_declared_is_not_mentioned(secret: Path) -> None:
    wanted = {"sha256": sha256(secret.read_bytes()).hexdigest(), "mode": "0640"}
    assert _file(secret, **wanted) == []


def test_what_is_not_asked_is_not_looked_at(secret: Path) -> None:
    assert _file(secret, sha256="", mode=None, owner=None) == []


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        ({"sha256": "0" * 64}, "holds something else"),
        ({"mode": "0600"}, "has mode 0640, not 0600"),
        ({"owner": "nobody"}, ", not nobody"),
        ({"group": "nogroup"}, ", not nogroup"),
        ({"state": "absent"}, "is file, not absent"),
        ({"state": "directory"}, "is file, not directory"),
    ],
)
def test_each_difference_of_a_file_is_told_without_its_content(
    secret: Path, wanted: dict[str, str], words: str
) -> None:
    (told,) = _file(secret, **wanted)
    assert told.startswith(str(secret))
    assert words in told
    assert "hunter2" not in told


def test_a_mode_counts_as_a_number(secret: Path) -> None:
    assert _file(secret, mode="640") == []


def test_a_file_that_is_gone_differs(tmp_path: Path) -> None:
    (told,) = _file(tmp_path / "gone", mode="0644")
    assert told.endswith("is absent, not file")
    assert _file(tmp_path / "gone", state="absent") == []


def test_a_link_in_place_of_a_file_differs(secret: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(secret)
    assert _file(link, state="file") != []
    assert _file(link, state="link", target=str(secret)) == []
    assert _file(link, state="link", target="/elsewhere") != []


def test_a_link_to_a_folder_serves_as_the_folder(tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert _file(link, state="directory", mode=f"{tmp_path.stat().st_mode & 0o7777:o}") == []


@pytest.mark.parametrize(
    ("package", "difference"),
    [
        ("chrony", []),
        ("chrony=4.6*", []),
        ("chrony=4.6-1", []),
        ("chrony=4.6", ["chrony is 4.6-1, not 4.6"]),
        ("chrony=5*", ["chrony is 4.6-1, not 5*"]),
        ("nftables", ["nftables is not installed"]),
        ("ntp", ["ntp is not installed"]),
    ],
)
def test_a_package_is_there_in_the_declared_version(package: str, difference: list[str]) -> None:
    versions = look.installed("chrony\tii \t4.6-1\nnftables\trc \t1.1\nntp\tun \t\n")
    assert look.package_differences([package], versions) == difference


def test_a_held_package_is_installed() -> None:
    assert look.installed("libpq5\thi \t16.1\n") == {"libpq5": "16.1"}


def test_a_unit_that_runs_and_comes_back_at_boot_is_well() -> None:
    assert look.unit_differences(SERVICE, WELL) == []


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"UnitFileState": "disabled"}, "a.service is not enabled"),
        ({"UnitFileState": "masked"}, "a.service is not enabled"),
        # systemd_service enables it for every boot, too.
        ({"UnitFileState": "enabled-runtime"}, "a.service is not enabled"),
        ({"ActiveState": "inactive"}, "a.service is not running"),
        ({"ActiveState": "failed"}, "a.service is not running"),
    ],
)
def test_a_unit_that_stands_still_or_would_not_come_back_differs(
    state: dict[str, str], told: str
) -> None:
    assert look.unit_differences(SERVICE, WELL | state) == [told]


def test_a_unit_that_is_unknown_is_neither_enabled_nor_running() -> None:
    assert len(look.unit_differences(SERVICE, {})) == 2


def test_a_unit_that_systemd_skips_by_its_own_condition_is_well() -> None:
    skipped = WELL | {"ActiveState": "inactive", "ConditionResult": "no"}
    assert look.unit_differences(SERVICE, skipped | {"ConditionTimestampMonotonic": "7"}) == []
    # Never tried is another thing: systemd then says no as well.
    assert look.unit_differences(SERVICE, skipped | {"ConditionTimestampMonotonic": "0"}) != []


def test_a_unit_that_should_stand_still_differs_when_it_runs() -> None:
    stopped = {"name": "a.service", "enabled": False, "active": False}
    assert look.unit_differences(stopped, {}) == []
    assert look.unit_differences(stopped, WELL) == [
        "a.service is enabled",
        "a.service is running",
    ]


def test_the_properties_of_each_unit_stay_apart() -> None:
    first, second = look.shown("LoadState=loaded\nActiveState=active\n\nLoadState=not-found\n")
    assert first == {"LoadState": "loaded", "ActiveState": "active"}
    assert second == {"LoadState": "not-found"}


XFS = """\
meta-data=/dev/sdb               isize=512    agcount=4, agsize=16384000 blks
data     =                       bsize=4096   blocks=65536000, imaxpct=25
naming   =version 2              bsize=4096   ascii-ci=0, ftype=1, parent=0
log      =internal log           bsize=4096   blocks=32000, version=2
"""
EXT4 = "Inode count:              65536\nBlock count:              262144\nOverhead clusters: 1\n"


def test_the_size_of_a_file_system_is_its_data_section() -> None:
    assert look.file_system_bytes(XFS) == 250 << 30
    assert look.file_system_bytes(EXT4 + "Block size:               4096\n") == 1 << 30
    assert look.file_system_bytes("nothing of the kind") == 0


def test_the_distribution_describes_itself() -> None:
    text = '# a comment\nID=ubuntu\nPRETTY_NAME="Ubuntu 24.04.1 LTS"\nVERSION_CODENAME=noble\n'
    assert look.release(text) == {
        "ID": "ubuntu",
        "PRETTY_NAME": "Ubuntu 24.04.1 LTS",
        "VERSION_CODENAME": "noble",
    }


def test_a_command_that_is_not_there_is_an_answer() -> None:
    assert look.run(["no-such-command"])["rc"] == 127


def test_a_command_that_must_answer_and_does_not_stops_the_look() -> None:
    with pytest.raises(look.LookError, match="no-such-file"):
        look.must(["cat", "no-such-file"])


def test_an_unknown_user_is_a_number() -> None:
    def nobody(_: int) -> None:
        raise KeyError

    assert look._name(4711, nobody) == "4711"
    assert look._name(os.getuid(), pwd.getpwuid) == pwd.getpwuid(os.getuid()).pw_name


def test_the_controller_looks_as_the_module_does(secret: Path) -> None:
    files = [{"path": str(secret), "mode": "0640"}, {"path": f"{secret}.gone"}]
    (told,) = LookupModule().run(files)
    assert told == f"{secret}.gone is absent, not file"
