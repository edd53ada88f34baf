"""Live rows of an encoder: what it makes of the newest rows of its front end, in calls of its fixed size.

    rows of the track   0 ................ first ........... newest
    a call                         [ lead | own rows of one hop | outside ]

Stretches start on the grid of the encoder's view, counted from the start of the track: they are cut as the
batch job cuts those of a track that ends now. What would come after the newest row is not inside, as at the
end of a track. All rows are made anew at each half second: the level of those of before is another since.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.views import StepView
from transforms.listening.emotion import Predict
from transforms.listening.window import LiveWindow


class EncodedWindow:
    """The newest `rows` of an encoder with a view of one step a row; see LiveWindow.

    `heard` is the window of its front end, of `rows_heard` rows; `encode` takes values [k, view.rows, ...]
    and inside [k, view.rows], always the same k, and gives [k, view.rows, values].
    """

    def __init__(self, heard: LiveWindow, encode: Predict, view: StepView, *, rows: int) -> None:
        self._heard = heard
        self._encode = encode
        self._view = view
        self._rows = rows
        # Half seconds so far: rows of the track.
        self._count = 0

    @property
    def rate_hz(self) -> int:
        """That of the front end."""
        return self._heard.rate_hz

    def push(self, samples: NDArray[np.float32]) -> None:
        """See LiveWindow."""
        self._heard.push(samples)

    @property
    def ready(self) -> bool:
        """See LiveWindow."""
        return self._heard.ready

    def advance(self) -> NDArray[np.float32]:
        """Rows [at most as many as were asked for, values]; see LiveWindow."""
        heard = self._heard.advance()
        self._count += 1
        wanted = max(0, self._count - self._rows)
        first = wanted // self._view.grid * self._view.grid
        oldest = self._count - len(heard)
        encoded = self._encode(*_stretches(heard, first - oldest, self._view, calls=self._calls))
        own = encoded[:, self._view.first_step :][:, : self._view.hop]
        rows: NDArray[np.float32] = own.reshape(-1, own.shape[-1])[wanted - first : self._count - first]
        return rows

    @property
    def _calls(self) -> int:
        """Stretches that hold the rows asked for, wherever on the grid they start."""
        return -(-(self._rows + self._view.grid - 1) // self._view.hop)


def rows_heard(rows: int, view: StepView) -> int:
    """Rows of the front end that so many of the encoder's look at up to now, from anywhere on the grid."""
    return view.lead + view.grid - 1 + rows


def _stretches(
    heard: NDArray[np.float32], first: int, view: StepView, *, calls: int
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Stretches whose own rows follow each other from row `first` of heard [m, ...] on: values
    [calls, view.rows, ...], inside [calls, view.rows]. Rows that are not there are zero and not inside."""
    starts = first - view.lead + view.hop * np.arange(calls)
    places = starts[:, None] + np.arange(view.rows)
    inside = (places >= 0) & (places < len(heard))
    values = np.zeros((*places.shape, *heard.shape[1:]), np.float32)
    values[inside] = heard[places[inside]]
    return values, inside
