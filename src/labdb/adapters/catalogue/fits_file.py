"""The HDUs of a FITS file: where they lie, whether they are whole, whether they are as written."""

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

from astropy.io.fits import Header
from astropy.io.fits.verify import VerifyError

from labdb.domain.catalogue import checksum
from labdb.errors import RunError

BLOCK = 2880
CHUNK = 2880 << 11
AGAIN = "get the file again from its source, and compare its checksum there"


@dataclass(frozen=True, slots=True)
class Hdu:
    """A header and where its data lie: *start* and *size* in bytes, padding left out."""

    number: int
    name: str
    header: Any
    header_start: int
    start: int
    size: int

    @property
    def end(self) -> int:
        """Where the next HDU begins."""
        return self.start + -(-self.size // BLOCK) * BLOCK

    @property
    def is_table(self) -> bool:
        """Tell whether it is a binary table."""
        return str(self.header.get("XTENSION", "")).strip() == "BINTABLE"


def scan(path: Path) -> list[Hdu]:
    """Return the HDUs of the file *path*.

    Raises:
        RunError: it is no FITS file, or ends before its end; the message names it.
    """
    size = path.stat().st_size
    with path.open("rb") as file:
        if file.read(9) != b"SIMPLE  =":
            raise RunError(
                f"{path.name} is no FITS file",
                why="it does not begin with SIMPLE",
                hint=_hint(path),
            )
        file.seek(0)
        return list(_hdus(path, file, size))


def _hdus(path: Path, file: BinaryIO, size: int) -> Iterator[Hdu]:
    place, number = 0, 0
    while place < size:
        file.seek(place)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                header = Header.fromfile(file)
                hdu = _hdu(number, header, place, file.tell())
        except (OSError, EOFError, ValueError, KeyError, TypeError, VerifyError) as error:
            raise RunError(
                f"{path.name}: the header of HDU {number} cannot be read",
                why=" ".join(str(error).split()) or type(error).__name__,
                hint=AGAIN,
            ) from error
        if hdu.start + hdu.size > size:
            raise RunError(
                f"{path.name} is cut off in HDU {number} ({hdu.name or 'no name'})",
                why=f"it has {size:,} bytes, its headers promise {hdu.start + hdu.size:,} or more",
                hint=AGAIN,
            )
        yield hdu
        place, number = hdu.end, number + 1


def _hdu(number: int, header: Any, header_start: int, start: int) -> Hdu:
    axes = [int(header[f"NAXIS{axis}"]) for axis in range(1, int(header["NAXIS"]) + 1)]
    elements = prod(axes) if axes else 0
    if number:
        elements = int(header.get("GCOUNT", 1)) * (int(header.get("PCOUNT", 0)) + elements)
    size = abs(int(header["BITPIX"])) // 8 * elements
    name = str(header.get("EXTNAME", "")).strip()
    return Hdu(number, name, header, header_start, start, size)


def verify(path: Path, hdu: Hdu) -> None:
    """Compare the DATASUM and CHECKSUM of *hdu* with its bytes, where it has them.

    Raises:
        RunError: one of them differs; the message names file and HDU.
    """
    promised = str(hdu.header.get("DATASUM", "")).strip()
    whole = str(hdu.header.get("CHECKSUM", "")).strip()
    if not promised and not whole.strip("0"):
        return
    with path.open("rb") as file:
        data = _sum(file, hdu.start, min(hdu.end, path.stat().st_size))
        if promised and data != int(promised):
            raise _damaged(path, hdu, f"DATASUM is {promised}, the data add up to {data}")
        if whole.strip("0"):
            total = checksum.add(_sum(file, hdu.header_start, hdu.start), data.to_bytes(4, "big"))
            if total not in (0, checksum.ALL_ONES):
                raise _damaged(path, hdu, "CHECKSUM does not fit what is in header and data")


def _sum(file: BinaryIO, start: int, end: int) -> int:
    file.seek(start)
    total, left = 0, end - start
    while left > 0:
        part = file.read(min(CHUNK, left))
        if not part:
            break
        left -= len(part)
        total = checksum.add(total, part + b"\0" * (-len(part) % 4))
    return total


def _damaged(path: Path, hdu: Hdu, why: str) -> RunError:
    return RunError(f"{path.name} is damaged in HDU {hdu.name or hdu.number}", why=why, hint=AGAIN)


def _hint(path: Path) -> str:
    if path.suffix in (".gz", ".bz2", ".Z", ".xz"):
        return "unpack it first: rows are read from where they lie in the file"
    return AGAIN
