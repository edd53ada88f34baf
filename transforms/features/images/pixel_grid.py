"""Which cell of a spectrogram every pixel of the drawn figure shows.

matplotlib draws the mesh without smoothing: the edges of the cells are snapped to whole pixels, so that a
pixel has the colour of one cell. Cells meet halfway between neighbouring centres. Across, the centres are
times; upwards, they are frequencies, equal steps on Slaney's mel scale, on librosa's "mel" axis: linear to
1000 Hz, which take the room of two octaves, then logarithmic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from transforms.features.mel.filter_bank import hz_to_mel, mel_to_hz

PIXELS = 227  # one inch at 227 dots an inch
_LINEAR_HZ = 1000.0
_LINEAR_OCTAVES = 2.0


def pixel_columns(frames: int, *, hop_samples: int, rate_hz: int) -> NDArray[np.intp]:
    """Frame that each of the 227 columns of pixels shows, from left to right: [227].

    A single frame fills the picture; the figure would be blank there, since the width of its cell is zero.
    """
    if frames == 1:
        return np.zeros(PIXELS, np.intp)
    edges = _on_figure(_cell_edges(np.arange(frames) * hop_samples / rate_hz))
    return np.searchsorted(_snapped(edges), np.arange(PIXELS), side="right") - 1


def pixel_rows(bands: int, *, rate_hz: int) -> NDArray[np.intp]:
    """Mel band that each of the 227 rows of pixels shows, the highest band first: [227]."""
    top = hz_to_mel(np.array([rate_hz / 2]))[0]
    centres_hz = mel_to_hz(np.linspace(0.0, top, bands))
    # Figures count pixels from below, images from above: the edges are snapped after the flip.
    edges = PIXELS - _on_figure(_mel_axis(_cell_edges(centres_hz)))
    return bands - np.searchsorted(_snapped(edges)[::-1], np.arange(PIXELS), side="right")


def _cell_edges(centres: NDArray[np.float64]) -> NDArray[np.float64]:
    halves = np.diff(centres) * 0.5
    return np.concatenate([centres[:1] - halves[:1], centres[:-1] + halves, centres[-1:] + halves[-1:]])


def _mel_axis(hz: NDArray[np.float64]) -> NDArray[np.float64]:
    # Alike below zero, where the lowest cell of a few wide ones begins.
    size = np.abs(hz)
    above = np.log2(np.maximum(size, _LINEAR_HZ) / _LINEAR_HZ) + _LINEAR_OCTAVES
    return np.where(size <= _LINEAR_HZ, hz * (_LINEAR_OCTAVES / _LINEAR_HZ), np.sign(hz) * above)


def _on_figure(edges: NDArray[np.float64]) -> NDArray[np.float64]:
    # In matplotlib's order: with an even number of frames the middle edge lies at 113.5, up to rounding.
    scale = 1.0 / (edges[-1] - edges[0])
    pixels: NDArray[np.float64] = edges * (PIXELS * scale) + PIXELS * (-edges[0] * scale)
    return pixels


def _snapped(edges: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.floor(edges + 0.5).astype(np.intp)
