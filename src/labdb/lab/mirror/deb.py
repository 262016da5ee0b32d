"""A Debian package made from a folder: its control file, its scripts, its archive."""

import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from labdb.errors import RunError

MAINTAINER = "labdb embedded lab <root@localhost>"


@dataclass(frozen=True, slots=True)
class Package:
    """What dpkg is told about a package (Debian Policy, chapter 5)."""

    name: str
    version: str
    summary: str
    source: str = ""
    architecture: str = "amd64"
    depends: tuple[str, ...] = ()
    provides: tuple[str, ...] = ()
    scripts: Mapping[str, str] = field(default_factory=dict)

    def control(self, *, installed_kib: int) -> str:
        """Return the text of the control file; *installed_kib* is in KiB.

        >>> print(Package("hello", "1-1", "greets").control(installed_kib=4), end="")
        Package: hello
        Version: 1-1
        Architecture: amd64
        Maintainer: labdb embedded lab <root@localhost>
        Installed-Size: 4
        Section: database
        Priority: optional
        Description: greets
        """
        fields = {
            "Package": self.name,
            "Source": self.source,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": MAINTAINER,
            "Installed-Size": str(installed_kib),
            "Section": "database",
            "Priority": "optional",
            "Depends": ", ".join(self.depends),
            "Provides": ", ".join(self.provides),
            "Description": self.summary,
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items() if value)


def build(package: Package, tree: Path, target: Path) -> Path:
    """Make the package of the files below *tree* and return its archive in the folder *target*.

    Owners become root; permissions become those of files that anybody may read.

    Raises:
        RunError: dpkg-deb refused it.
    """
    copyright_file = tree / "usr/share/doc" / package.name / "copyright"
    copyright_file.parent.mkdir(parents=True, exist_ok=True)
    copyright_file.write_text(f"{package.summary}\nBuilt for the embedded lab of labdb.\n")
    size = 0
    for path in tree.rglob("*"):
        if path.is_symlink():
            continue
        executable = path.is_dir() or path.stat().st_mode & 0o100
        path.chmod(0o755 if executable else 0o644)
        size += path.stat().st_size if path.is_file() else 1024
    tree.chmod(0o755)
    control = tree / "DEBIAN"
    control.mkdir()
    (control / "control").write_text(package.control(installed_kib=size // 1024 + 1))
    for name, text in package.scripts.items():
        (control / name).write_text(text)
        (control / name).chmod(0o755)
    control.chmod(0o755)
    archive = target / f"{package.name}_{package.version}_{package.architecture}.deb"
    command = ["dpkg-deb", "-Zgzip", "-z6", "--root-owner-group", "--build"]
    done = subprocess.run(
        [*command, str(tree), str(archive)], check=False, capture_output=True, text=True
    )
    if done.returncode:
        raise RunError(
            f"the package {package.name} cannot be made",
            why=done.stderr.strip().splitlines()[-1],
            hint="this is a defect of labdb: please report it with the line above",
        )
    return archive
