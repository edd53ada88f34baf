"""Draws levels as the toolkit's figure shows them, resized to what a net takes, without drawing a figure.

    levels [frames, bands] -> index of a colour -> colours of the cells -> 227 x 227 pixels -> side x side

A figure's pixel is the colour of one cell, so resizing it is a weighted sum of a few cells: the 227 x 227
picture is never made. As in Pillow, rows are resized first and rounded to bytes between the two passes.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from transforms.features.images.colour_table import colour_table
from transforms.features.images.mel_levels import fft_samples
from transforms.features.images.pixel_grid import PIXELS, pixel_columns, pixel_rows
from transforms.features.images.resizing import bicubic_weights, nearest_places

RESIZING = ("bicubic", "nearest")
_A_BLOCK = 16  # pixels: few weights in a block are zero
_TOP = np.float32(255.75)  # cut off, it is the byte 255


@dataclass(frozen=True, slots=True)
class Look:
    """How levels are shown: matplotlib's map, Pillow's filter, and the side of the square in pixels."""

    colour_map: str
    resize: str
    side: int


class Drawing(Protocol):
    """Draws chunks of one length."""

    def __call__(self, levels: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
        """Levels [frames, bands] in any unit -> RGB into out [side, side, 3], high bands at the top."""


@lru_cache(maxsize=32)
def drawing(frames: int, bands: int, rate_hz: int, look: Look) -> Drawing:
    """What draws chunks of so many frames and bands at a rate; its tables are made once."""
    columns = pixel_columns(frames, hop_samples=fft_samples(rate_hz) // 2, rate_hz=rate_hz)
    rows = pixel_rows(bands, rate_hz=rate_hz)
    colours, side = colour_table(look.colour_map), look.side
    if look.resize == "nearest":
        places = nearest_places(PIXELS, wanted=side)
        return _Gathered(colours, rows[places], columns[places])
    # A long chunk has more frames than pixels: those that no pixel shows are left out.
    shown, places = np.unique(columns, return_inverse=True)
    weights = bicubic_weights(PIXELS, wanted=side)
    across, upwards = weights @ np.eye(len(shown))[places], weights @ np.eye(bands)[rows]
    # The half turns the cut to bytes, after each pass, into rounding: the weights of a pixel sum to one.
    table = colours.astype(np.float32) + np.float32(0.5)
    by_channel = _blocks(np.kron(across, np.eye(3)).astype(np.float32), pixels=3 * _A_BLOCK)
    return _Weighted(table, shown, by_channel, _blocks(upwards.astype(np.float32), pixels=_A_BLOCK))


def colour_indices(levels: NDArray[np.float32], *, colours: int) -> NDArray[np.intp]:
    """Levels -> place in a table of so many colours, from their minimum to their maximum, the same shape.

    In single precision and in matplotlib's order; a constant chunk has the first colour.
    """
    low, high = levels.min(), levels.max()
    if low == high:
        return np.zeros(levels.shape, np.intp)
    scaled = levels - low
    scaled /= high - low
    scaled *= np.float32(colours)
    index: NDArray[np.intp] = np.minimum(scaled.astype(np.intp), colours - 1)
    return index


@dataclass(frozen=True, slots=True)
class _Gathered:
    """Every pixel is one cell."""

    colours: NDArray[np.uint8]
    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    def __call__(self, levels: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
        index = colour_indices(levels, colours=len(self.colours))
        # Whole rows of pixels are copied last: that is the fastest of the three steps.
        lines = self.colours.take(index.T.take(self.columns, axis=1), axis=0, mode="clip")
        lines.take(self.rows, axis=0, out=out, mode="clip")


@dataclass(frozen=True, slots=True)
class _Weighted:
    """Every pixel is a weighted sum of cells."""

    colours: NDArray[np.float32]  # [colours, 3]
    frames: NDArray[np.intp]  # those that are shown
    across: list[_Block]  # cells [bands, frames * 3] -> lines [bands, side * 3]
    upwards: list[_Block]  # lines -> pixels [side, side * 3]

    def __call__(self, levels: NDArray[np.float32], out: NDArray[np.uint8]) -> None:
        index = colour_indices(levels, colours=len(self.colours)).T.take(self.frames, axis=1)
        cells = self.colours.take(index, axis=0, mode="clip").reshape(len(index), -1)
        lines = np.empty((len(cells), len(out) * 3), np.float32)
        for block in self.across:
            np.matmul(cells[:, block.cells], block.weights.T, out=lines[:, block.pixels])
        np.clip(lines, np.float32(0.0), _TOP, out=lines)
        np.floor(lines, out=lines)
        lines += np.float32(0.5)
        pixels = np.empty((len(out), lines.shape[1]), np.float32)
        for block in self.upwards:
            np.matmul(block.weights, lines[block.cells], out=pixels[block.pixels])
        np.clip(pixels, np.float32(0.0), _TOP, out=pixels)
        np.copyto(out.reshape(pixels.shape), pixels, casting="unsafe")


@dataclass(frozen=True, slots=True)
class _Block:
    """Neighbouring pixels and the few cells that they need: weights [pixels, cells]."""

    pixels: slice
    cells: slice
    weights: NDArray[np.float32]


def _blocks(weights: NDArray[np.float32], *, pixels: int) -> list[_Block]:
    """Weights [all pixels, all cells], which lie along a diagonal, in blocks of so many pixels."""
    blocks = []
    for start in range(0, len(weights), pixels):
        rows = weights[start : start + pixels]
        used = np.flatnonzero(rows.any(axis=0))
        cells = slice(int(used[0]), int(used[-1]) + 1)
        kept = np.ascontiguousarray(rows[:, cells])
        blocks.append(_Block(slice(start, start + len(rows)), cells, kept))
    return blocks
