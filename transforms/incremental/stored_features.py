"""Reads features of a cache for the heads, one row group after another."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

import pyarrow as pa

from models.bundle_members import is_encoder_key
from transforms.incremental.cached_tracks import Place
from transforms.incremental.feature_cache import unpack
from transforms.incremental.index import read_row_group
from transforms.tagging.encoding import encoder_layout
from transforms.tagging.features import FrontEnds, Rows

# Row groups in memory at once: tracks come by the row group of their first input.
_HELD = 4


class StoredFeatures:
    """Features of tracks by their places in a cache."""

    def __init__(self, front_ends: FrontEnds) -> None:
        self._front_ends = front_ends
        self._row_group = lru_cache(_HELD)(read_row_group)

    def features(self, places: Mapping[str, Place]) -> dict[str, Rows]:
        """Rows of a track by input key."""
        return {key: self._rows(key, place) for key, place in places.items()}

    def _rows(self, key: str, place: Place) -> Rows:
        stored: pa.Table = self._row_group(place.uri, place.number)
        if is_encoder_key(key):
            width = stored["shape"][place.row][0].as_py()
            return unpack(stored, place.row, encoder_layout(width))
        return unpack(stored, place.row, self._front_ends.layout(key))
