"""The checksum of FITS: 32-bit words added up with the carry taken round to the other end.

Source: FITS standard 4.0, section 4.4.2.7 and appendix J.
"""

import numpy as np

ALL_ONES = 0xFFFFFFFF
"""The sum of a whole HDU, CHECKSUM among its keywords, when nothing has changed."""


def add(total: int, data: bytes) -> int:
    """Return *total* with *data* added: a whole number of 32-bit words.

    >>> hex(add(0xFFFFFFFF, bytes([0, 0, 0, 1])))
    '0x1'
    """
    words = np.frombuffer(data, dtype=">u4")
    total += int(words.sum(dtype=np.uint64))
    while total >> 32:
        total = (total & ALL_ONES) + (total >> 32)
    return total
