"""Positions on the sky, in degrees: which are none, and two spellings of one."""

from typing import Any

import numpy as np
import numpy.typing as npt

from labdb.domain.catalogue.pgcopy import Mask

TURN = 360
POLE = 90


def off_the_sky(ra: npt.NDArray[Any], dec: npt.NDArray[Any]) -> dict[str, Mask]:
    """Return which positions are none, by reason; 360 is a right ascension, NaN is none."""
    return {
        "right ascension out of 0..360": ~((ra >= 0) & (ra <= TURN)),
        "declination out of -90..90": ~((dec >= -POLE) & (dec <= POLE)),
    }


def folded(ra: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return right ascensions with 360 and -0 as 0."""
    return np.where(ra == TURN, 0, ra) + 0.0  # -0.0 + 0.0 is 0.0
