"""How large a net of given settings is, known before it is built: its arrays and what one call of it fills.

Each setting may be in bounds and their product absurd. What is written down here for every architecture is
compared with the nets themselves by a test, and with the arrays of a bundle before a net is built.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from models.views import StepView, View
from schemas.errors import bad_bundle

# Twice the largest published net; 512 MiB in single precision.
_MOST_PARAMETERS = 1 << 27
# Three times what the widest published net fills for one window; 64 MiB.
_MOST_VALUES = 1 << 24
# A step that is computed from 60 rows for ten of its own has an overlap of six.
_MOST_OVERLAP = 64
# Nets that take a track in one call: an hour at 2 Hz.
WHOLE_TRACK_ROWS = 7200

_GATES = {"lstm": 4, "gru": 3, "bilstm": 4}


@dataclass(slots=True)
class Sizes:
    """Arrays of a net by path, and values of the largest tensor of one window; layers are added in turn.

    `places` of a layer are the places of one window that it is applied to: rows, pixels or both.
    """

    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    largest: int = 0

    @property
    def parameters(self) -> int:
        """Values of all arrays."""
        return sum(map(math.prod, self.shapes.values()))

    def fill(self, values: int) -> None:
        """A tensor of so many values for one window."""
        self.largest = max(self.largest, values)

    def dense(self, name: str, inputs: int, outputs: int, *, places: int = 1) -> int:
        """A dense layer; its outputs."""
        return self.convolution(name, (), (inputs, outputs), places=places)

    def convolution(
        self,
        name: str,
        kernel: tuple[int, ...],
        ends: tuple[int, int],
        *,
        places: int,
        bias: bool = True,
    ) -> int:
        """A convolution from `ends[0]` to `ends[1]` channels; its outputs."""
        self.shapes[f"{name}/kernel"] = (*kernel, *ends)
        if bias:
            self.shapes[f"{name}/bias"] = (ends[1],)
        self.fill(places * max(ends))
        return ends[1]

    def depthwise(self, name: str, kernel: tuple[int, ...], channels: int) -> None:
        """A convolution of each channel by itself; it gives no more than it takes."""
        self.shapes |= {f"{name}/kernel": (*kernel, channels, 1), f"{name}/bias": (channels,)}

    def normalisation(self, name: str, values: int) -> None:
        """A batch normalisation."""
        for part in ("gamma", "beta", "moving_mean", "moving_variance"):
            self.shapes[f"{name}/{part}"] = (values,)

    def standardisation(self, name: str, values: int) -> None:
        """A layer with mean and variance of the training set."""
        self.shapes |= {f"{name}/mean": (values,), f"{name}/variance": (values,), f"{name}/count": ()}

    def recurrent(self, name: str, cell: str, ends: tuple[int, int], *, places: int) -> int:
        """A layer of models.recurrence from `ends[0]` values to `ends[1]` units; its outputs."""
        if cell not in _GATES:
            raise bad_bundle(f"cell {cell!r} is not known; there are {', '.join(_GATES)}")
        (inputs, units), kind = ends, "gru_cell" if cell == "gru" else "lstm_cell"
        gates = _GATES[cell] * units
        ways = (f"{name}/forward_{name}", f"{name}/backward_{name}") if cell == "bilstm" else (name,)
        for way in ways:
            self.shapes[f"{way}/{kind}/kernel"] = (inputs, gates)
            self.shapes[f"{way}/{kind}/recurrent_kernel"] = (units, gates)
            self.shapes[f"{way}/{kind}/bias"] = (2, gates) if cell == "gru" else (gates,)
        self.fill(places * max(inputs, gates))
        return units * len(ways)


def check_sizes(name: str, sizes: Sizes, view: View) -> None:
    """Raise ValueError for a member that no machine should be asked to build or run."""
    if sizes.parameters > _MOST_PARAMETERS:
        raise ValueError(f"member {name!r} has {sizes.parameters} parameters, more than {_MOST_PARAMETERS}")
    if sizes.largest > _MOST_VALUES:
        raise ValueError(
            f"member {name!r} fills {sizes.largest} values for one window, more than {_MOST_VALUES}"
        )
    if isinstance(view, StepView) and view.rows > _MOST_OVERLAP * view.hop:
        raise ValueError(
            f"member {name!r} takes {view.rows} rows for every {view.hop}, more than {_MOST_OVERLAP} times"
        )
