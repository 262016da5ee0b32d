"""What runs on the server needs what is sent there and Python, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from labdb.adapters.guest_program import PARTS, archive


@pytest.fixture
def there(tmp_path: Path) -> Path:
    """The file as the role leaves it."""
    program = tmp_path / "labdb.pyz"
    program.write_bytes(archive())
    return program


def _run(
    there: Path, *arguments: str, module: str = "labdb.drill"
) -> "subprocess.CompletedProcess[str]":
    # -S: no site-packages, so that nothing of the environment that runs the tests is found.
    command = [sys.executable, "-B", "-P", "-S", "-m", module, *arguments]
    return subprocess.run(
        command, env={"PYTHONPATH": str(there)}, capture_output=True, text=True, check=False
    )


def test_the_same_parts_make_the_same_file() -> None:
    assert archive() == archive()


def test_it_runs_from_the_file_that_is_sent(there: Path) -> None:
    done = _run(there, "--help")
    assert done.returncode == 0, done.stderr
    assert "labdb-drill" in done.stdout
    assert "labdb-export" in _run(there, "--help", module="labdb.export").stdout


def test_it_tells_in_one_line_what_it_lacks(there: Path, tmp_path: Path) -> None:
    settings = tmp_path / "drill.json"
    folder = tmp_path / "scratch"
    folder.mkdir()
    (folder / "somebody's").touch()
    settings.write_text(
        json.dumps(
            {
                "stanza": "proj-pg01", "version": 16, "port": 5432, "directory": str(folder),
                "records": str(tmp_path), "ledger": str(tmp_path / "drills.jsonl"),
                "metrics": str(tmp_path / "drill.prom"), "request": str(tmp_path / "request.json"),
                "most_used": 0.9, "invariants": [],
            }
        ),
        encoding="utf-8",
    )  # fmt: skip
    done = _run(there, "--settings", str(settings), "run")
    assert done.returncode == 6, done.stderr
    assert "holds files that no drill left there" in done.stdout
    assert json.loads((tmp_path / "drills.jsonl").read_text("utf-8"))["verdict"] == "refused"
    assert 'labdb_drill_passed{stanza="proj-pg01"} 0' in (tmp_path / "drill.prom").read_text(
        "utf-8"
    )
    assert (folder / "somebody's").exists()


def test_nothing_is_sent_that_is_not_used(there: Path) -> None:
    look = "import sys, labdb.drill.__main__, labdb.export.__main__; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-B", "-P", "-S", "-c", look],
        env={"PYTHONPATH": str(there)}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = {name for name in done.stdout.split() if name.startswith("labdb")}
    sent = {
        "labdb." + part.removesuffix(".py").removesuffix("__init__").strip("/").replace("/", ".")
        for part in PARTS
        if part.endswith(".py")
    }
    assert {name.rstrip(".") for name in sent} == loaded
