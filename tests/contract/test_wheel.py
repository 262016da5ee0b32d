"""The wheel is the tree: roles, playbooks and plugins travel inside, and it runs from anywhere."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

TOP = Path(__file__).parents[2]


def _run(*command: str | Path, env: dict[str, str] | None = None, cwd: Path = TOP) -> str:
    done = subprocess.run(
        [str(part) for part in command],
        check=False,
        capture_output=True,
        text=True,
        env=env,
        cwd=cwd,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("dist")
    _run(sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", out, TOP)
    return next(out.glob("*.whl"))


def test_the_wheel_holds_every_tracked_role_and_playbook_and_nothing_else(wheel: Path) -> None:
    tracked = set(_run("git", "ls-files", "roles", "playbooks", "ansible.cfg").split())
    head = "labdb/_ansible/"
    shipped = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith(head)}
    assert {name.removeprefix(head) for name in shipped} == tracked


def test_the_wheel_holds_every_tracked_module_and_data_file(wheel: Path) -> None:
    links = "src/labdb/_ansible/"
    tracked = {
        name.removeprefix("src/")
        for name in _run("git", "ls-files", "src").split()
        if not name.startswith(links)
    }
    shipped = {
        name
        for name in zipfile.ZipFile(wheel).namelist()
        if name.startswith("labdb/") and not name.startswith("labdb/_ansible/")
    }
    assert shipped == tracked


def test_the_installed_wheel_plans_from_the_root_directory(wheel: Path, tmp_path: Path) -> None:
    # Dependencies are those of this environment; labdb itself must come from the wheel.
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    _run(python, "-m", "pip", "install", "-q", "--no-deps", wheel)
    site = _run(python, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])").strip()
    mine = _run(sys.executable, "-c", "import sysconfig; print(sysconfig.get_paths()['purelib'])")
    (Path(site) / "zz_dependencies.pth").write_text(mine, encoding="utf-8")
    labdb = tmp_path / "venv" / "bin" / "labdb"
    bare = {"PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    where = _run(python, "-c", "import labdb; print(labdb.__file__)", env=bare, cwd=Path("/"))
    assert str(tmp_path) in where
    done = subprocess.run(
        [labdb, "plan", "proj-pg01", "-i", TOP / "inventories" / "production", "--offline"],
        check=False,
        capture_output=True,
        text=True,
        env=bare | {"LANG": os.environ.get("LANG", "C.UTF-8")},
        cwd="/",
    )
    assert done.returncode == 0, done.stderr
    assert "shared_buffers" in done.stdout
