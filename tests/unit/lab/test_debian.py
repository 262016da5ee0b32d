"""The Debian mirror of this machine, read from what apt is told."""

from pathlib import Path

import pytest

from labdb.lab import debian
from labdb.lab.debian import Mirror, Source

DEB822 = """\
# The distribution's own
Types: deb deb-src
URIs: http://mirror.example/debian/
Suites: bookworm bookworm-updates
Components: main contrib
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg

Types: deb
URIs: http://mirror.example/debian-security
Suites: bookworm-security
Components:
 main
 contrib

Enabled: no
Types: deb
URIs: http://disabled.example/debian
Suites: bookworm
Components: main
"""

ONE_LINE = """\
# deb http://commented.example/debian bookworm main
deb-src http://sources.example/debian bookworm main
deb [arch=amd64 signed-by=/etc/apt/keyrings/x.gpg] https://third.example/apt bookworm main
deb http://mirror.example/debian bookworm main  # the distribution's own
deb http://mirror.example/debian bookworm-updates main
deb cdrom:[Debian GNU/Linux 12]/ bookworm main
"""


def test_both_forms_name_the_same_mirror() -> None:
    for found in (list(debian.parse_deb822(DEB822)), list(debian.parse_list(ONE_LINE))):
        mirror = debian.choose(found, "bookworm")
        assert mirror is not None
        assert mirror.archive == "http://mirror.example/debian"


def test_the_security_archive_is_found_beside_it() -> None:
    mirror = debian.choose(list(debian.parse_deb822(DEB822)), "bookworm")
    assert mirror == Mirror("http://mirror.example/debian", "http://mirror.example/debian-security")


def test_continued_fields_are_read() -> None:
    security = list(debian.parse_deb822(DEB822))[2]
    assert security == Source(
        "http://mirror.example/debian-security", "bookworm-security", ("main", "contrib")
    )


def test_disabled_and_source_entries_do_not_count() -> None:
    uris = {s.uri for s in debian.parse_deb822(DEB822)} | {
        s.uri for s in debian.parse_list(ONE_LINE)
    }
    assert not uris & {
        "http://disabled.example/debian",
        "http://sources.example/debian",
        "http://commented.example/debian",
    }


def test_a_third_party_archive_is_not_taken_for_debian() -> None:
    third = [Source("https://third.example/apt", "bookworm", ("main",))]
    assert debian.choose(third, "bookworm") is None


def test_an_apt_folder_is_read_in_both_forms(tmp_path: Path) -> None:
    (tmp_path / "sources.list.d").mkdir()
    (tmp_path / "sources.list").write_text(ONE_LINE)
    (tmp_path / "sources.list.d" / "debian.sources").write_text(DEB822)
    (tmp_path / "sources.list.d" / "old.list.save").write_text("deb http://saved.example/ x main")
    uris = {source.uri for source in debian.sources(tmp_path)}
    assert {"http://mirror.example/debian", "https://third.example/apt"} <= uris
    assert "http://saved.example" not in uris


def test_the_operators_choice_wins(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LABDB_DEBIAN_MIRROR", "http://chosen.example/debian/")
    assert debian.host_mirror() == Mirror("http://chosen.example/debian")
