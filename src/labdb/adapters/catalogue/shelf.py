"""Values of a column of many rows, kept on disk: a file of any length takes no more memory."""

import tempfile
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, slots=True)
class _Part:
    """Some rows: where they begin, in rows and in bytes, and their form."""

    first: int
    offset: int
    rows: int
    dtype: np.dtype[Any]


class Shelf:
    """Arrays that were put one after the other; some rows of them are read at a time."""

    def __init__(self) -> None:
        self._file = tempfile.TemporaryFile(prefix="labdb-catalogue-")  # noqa: SIM115 - see close
        self._parts: list[_Part] = []
        self._size = 0
        self.rows = 0

    def put(self, values: npt.NDArray[Any]) -> None:
        """Add *values* at the end."""
        self._parts.append(_Part(self.rows, self._size, len(values), values.dtype))
        self._file.seek(self._size)
        self._size += self._file.write(values.tobytes())
        self.rows += len(values)

    def read(self, start: int, stop: int) -> npt.NDArray[Any]:
        """Return the rows from *start* to *stop*."""
        found = []
        for part in self._parts:
            first, last = max(start, part.first), min(stop, part.first + part.rows)
            if first < last:
                width = part.dtype.itemsize
                self._file.seek(part.offset + (first - part.first) * width)
                found.append(
                    np.frombuffer(self._file.read((last - first) * width), dtype=part.dtype)
                )
        return np.concatenate(found) if found else np.zeros(0, dtype=np.uint64)

    def close(self) -> None:
        """Let go of the disk."""
        self._file.close()
