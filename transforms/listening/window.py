"""What a live window is: the newest rows of a front end, one half second after the other."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray


class LiveWindow(Protocol):
    """The newest rows of a front end for a signal that has no end yet.

    What the front end takes from the whole track (its level, its maximum) is taken from what was heard up to
    the end of the half second, and holds for all rows of the window.
    """

    @property
    def rate_hz(self) -> int:
        """Rate of the samples that it takes."""

    def push(self, samples: NDArray[np.float32]) -> None:
        """Take the next samples [n] float32."""

    @property
    def ready(self) -> bool:
        """Whether the next half second has been heard."""

    def advance(self) -> NDArray[np.float32]:
        """Take the next half second: rows up to its end, [rows, ...] float32, fewer near the start.

        Only when `ready`.
        """
