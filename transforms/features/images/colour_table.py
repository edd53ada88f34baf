"""Colour maps as tables of bytes, as matplotlib draws them."""

from __future__ import annotations

import difflib
from functools import cache

import numpy as np
from numpy.typing import NDArray

from transforms.features.samples import refusal


@cache
def colour_table(name: str) -> NDArray[np.uint8]:
    """Colours of a matplotlib map from low to high: [colours, 3] uint8 RGB, mostly 256 of them.

    Raises DataError(bad_input) for a name that matplotlib does not know.
    """
    from matplotlib import colormaps

    if name not in colormaps:
        near = difflib.get_close_matches(name, list(colormaps), n=3)
        hint = f"; did you mean {' or '.join(near)}?" if near else "; viridis and magma are"
        raise refusal(f"colour map {name!r} is not one of matplotlib's{hint}")
    colours = colormaps[name](np.arange(colormaps[name].N))[:, :3]
    # The drawing rounds to the nearest byte; the map's own bytes=True would cut off.
    table: NDArray[np.uint8] = np.floor(colours * 255.0 + 0.5).astype(np.uint8)
    table.setflags(write=False)
    return table
