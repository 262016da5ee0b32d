"""What dpkg and apt are told of the mirror's packages."""

import subprocess
from pathlib import Path

import pytest

from labdb.errors import RunError
from labdb.lab.mirror import deb, sources
from labdb.lab.mirror.deb import Package

Q3C = Package(
    name="postgresql-16-q3c",
    version="2.0.1-1.labdb1",
    summary="indexing the sky",
    depends=("postgresql-16", "libc6 (>= 2.36)"),
    scripts={"postinst": "#!/bin/sh\nexit 0\n"},
)


def test_a_control_file_has_its_fields_in_dpkg_s_order() -> None:
    text = Q3C.control(installed_kib=7)
    names = [line.partition(":")[0] for line in text.splitlines()]
    assert names[:2] == ["Package", "Version"]
    assert names[-1] == "Description"
    assert "Depends: postgresql-16, libc6 (>= 2.36)\n" in text
    assert "Installed-Size: 7\n" in text


def test_an_empty_field_is_left_out() -> None:
    assert "Provides" not in Q3C.control(installed_kib=1)


def test_a_package_says_of_itself_what_it_was_made_of(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    (tree / "usr/bin").mkdir(parents=True)
    program = tree / "usr/bin/hello"
    program.write_text("#!/bin/sh\necho hello\n")
    program.chmod(0o700)
    archive = deb.build(Q3C, tree, tmp_path)
    assert archive.name == "postgresql-16-q3c_2.0.1-1.labdb1_amd64.deb"
    fields = subprocess.check_output(["dpkg-deb", "--field", archive, "Depends"], text=True)
    assert fields.strip() == "postgresql-16, libc6 (>= 2.36)"
    listing = subprocess.check_output(["dpkg-deb", "--contents", archive], text=True)
    assert "-rwxr-xr-x root/root" in next(line for line in listing.splitlines() if "hello" in line)
    assert "./usr/share/doc/postgresql-16-q3c/copyright" in listing


def test_a_package_that_dpkg_refuses_says_why(tmp_path: Path) -> None:
    (tmp_path / "tree").mkdir()
    with pytest.raises(RunError, match="the package No Name cannot be made") as caught:
        deb.build(Package("No Name", "1", "nothing"), tmp_path / "tree", tmp_path)
    assert "invalid package name" in caught.value.why


def test_every_upstream_file_has_a_sum_of_its_own() -> None:
    known = sources.load()
    sums = [known.postgresql.sha256, *(extension.sha256 for extension in known.extensions)]
    assert len(set(sums)) == len(sums)
    assert known.postgresql.version.replace(".", "-") in known.postgresql.file.replace(".", "-")
    for extension in known.extensions:
        assert extension.version in extension.file
