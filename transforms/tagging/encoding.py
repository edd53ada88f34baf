"""Encoders of a bundle at work: rows of front ends to the learned rows that heads share.

    add(track) -> its stretches go through an encoder, a batch at a time -> tracks with learned rows

Between the front ends and the other members, by a `batcher` of its own, with smaller batches. A bundle
without encoders passes through.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Generic, TypeVar

from models.bundle import Bundle
from models.bundle_members import encoder_key
from schemas.clock import to_seconds
from transforms.features.front_end import Layout
from transforms.tagging.batcher import Models, Prediction, TrackBatcher, groups_of
from transforms.tagging.features import Rows
from transforms.tagging.windows import TaggingPlan

Key = TypeVar("Key")

# A stretch of an encoder is a batch of patches by itself: more of them at once are no faster and take more
# memory.
_BATCH = 1


@dataclass(frozen=True, slots=True)
class _Held(Generic[Key]):
    """A track whose rows wait until its encoders have seen them."""

    key: Key
    rows: Mapping[str, Rows]


class EncoderBatcher(Generic[Key]):
    """Sends rows of many tracks through the encoders of a bundle; memory is bounded by a batch of each group
    of encoders and the rows of the tracks in it."""

    def __init__(self, models: Models, bundle: Bundle, plan: TaggingPlan) -> None:
        self._encoders = {member.name: member.input_key for member in bundle.encoders}
        self._wanted = {member.input_key for member in bundle.predictors}
        self._batcher: TrackBatcher[_Held[Key]] = TrackBatcher(
            models, groups_of(bundle.encoders), plan, batch_size=_BATCH
        )

    def add(self, key: Key, rows: Mapping[str, Rows]) -> Iterator[tuple[Key, Mapping[str, Rows]]]:
        """Take the rows of a track's front ends; yield tracks with all rows that heads and others take, as
        soon as they are complete."""
        if not self._encoders:
            yield key, rows
            return
        for held, encoded in self._batcher.add(_Held(key, rows), rows):
            yield held.key, self._all_rows(held.rows, encoded)

    def flush(self) -> Iterator[tuple[Key, Mapping[str, Rows]]]:
        """Send what waits; yield the tracks left."""
        for held, encoded in self._batcher.flush():
            yield held.key, self._all_rows(held.rows, encoded)

    def _all_rows(self, rows: Mapping[str, Rows], encoded: Prediction) -> dict[str, Rows]:
        found = {name: some for name, some in rows.items() if name in self._wanted}
        for name, input_key in self._encoders.items():
            values, seen = encoded[name].values, rows[input_key]
            layout = encoder_layout(values.shape[1])
            found[encoder_key(name)] = Rows(values, layout, seen.rate_hz, seen.total_samples)
        return found


@cache
def encoder_layout(width: int) -> Layout:
    """The clock of an encoder's rows, so many values each half second from the start on."""
    names = tuple(f"value_{index}" for index in range(width))
    return Layout(names, step_s=to_seconds(1, rate_hz=2))
