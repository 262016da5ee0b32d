"""The cache: a seed is read and never written, and no file is taken on trust."""

from pathlib import Path

import pytest

from labdb.errors import RefusedError
from labdb.lab import cache

EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


@pytest.fixture
def seed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    folder = tmp_path / "cache"
    folder.mkdir()
    monkeypatch.setenv("LABDB_CACHE", str(folder))
    monkeypatch.setenv("LABDB_STATE", str(tmp_path / "state"))
    return folder


def test_a_file_with_another_sum_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "q3c.tar.gz"
    file.write_text("not what upstream published")
    with pytest.raises(RefusedError) as caught:
        cache.check(file, EMPTY)
    assert "q3c.tar.gz" in caught.value.what
    assert EMPTY in caught.value.why
    assert str(file) in caught.value.hint


def test_a_file_with_its_sum_is_taken(tmp_path: Path) -> None:
    file = tmp_path / "empty"
    file.touch()
    assert cache.check(file, EMPTY) == file


def test_a_seeded_file_is_found(seed: Path) -> None:
    (seed / "pgvector.tar.gz").touch()
    assert cache.find("pgvector.tar.gz") == seed / "pgvector.tar.gz"
    assert cache.find("pgtap.tar.gz") is None


def test_a_download_is_found_as_well(seed: Path) -> None:
    (cache.folder("downloads") / "pgtap.tar.gz").touch()
    assert cache.find("pgtap.tar.gz") == seed / "downloads" / "pgtap.tar.gz"


def test_a_read_only_seed_is_never_written_to(seed: Path, tmp_path: Path) -> None:
    seed.chmod(0o555)
    made = cache.folder("mirror")
    assert made == tmp_path / "state" / "cache" / "mirror"
    assert made.is_dir()
    assert not list(seed.iterdir())
