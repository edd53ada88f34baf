"""The waveform of a track as its lowest and highest sample in each of some columns."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples, to_seconds
from transforms.tracks.reader import ReadSettings, TrackReader
from transforms.tracks.stage_clock import StageClock

COLUMNS = 1200
# Lows and highs are kept for so long each until the length of the track is known.
_BUCKET_S = 0.02


@dataclass(frozen=True, slots=True)
class Envelope:
    """Lows and highs, each [columns] float32; a column is `step_s` long."""

    low: NDArray[np.float32]
    high: NDArray[np.float32]
    step_s: float


def envelope_of(uri: str) -> Envelope:
    """The envelope of a file at its own rate, decoded as the main job does; DataError as there."""
    with closing(TrackReader(ReadSettings())) as reader:
        reading = reader.open(uri, StageClock())
        blocks = reading.blocks(None)
        first = next(blocks)
        return envelope(chain([first], blocks), rate_hz=reading.rate_hz)


def envelope(blocks: Iterable[NDArray[np.float32]], *, rate_hz: int, columns: int = COLUMNS) -> Envelope:
    """Blocks of samples of any lengths to at most so many columns of one length; the last may be shorter."""
    bucket = max(1, to_samples(_BUCKET_S, rate_hz=rate_hz))
    lows, highs, rest = [], [], np.zeros(0, np.float32)
    for block in blocks:
        joined = np.concatenate([rest, block])
        whole = len(joined) // bucket * bucket
        rows = joined[:whole].reshape(-1, bucket)
        lows.append(rows.min(axis=1, initial=0.0))
        highs.append(rows.max(axis=1, initial=0.0))
        rest = joined[whole:]
    if len(rest):
        lows.append(np.array([min(0.0, rest.min())], np.float32))
        highs.append(np.array([max(0.0, rest.max())], np.float32))
    low, high = (np.concatenate(parts or [np.zeros(0, np.float32)]) for parts in (lows, highs))
    together = -(-len(low) // columns) or 1
    firsts = np.arange(0, len(low), together)
    if len(firsts):
        low, high = np.minimum.reduceat(low, firsts), np.maximum.reduceat(high, firsts)
    return Envelope(low, high, to_seconds(bucket * together, rate_hz=rate_hz))
