"""RecallFacts: what earlier runs know of tracks that are to do, read where it lies."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from schemas.track import Known, Track
from schemas.work import CARRIED
from transforms.incremental.compare import Remembered
from transforms.incremental.earlier import facts_at
from transforms.outputs import CARRY, WORK


class RecallFacts(beam.PTransform):  # type: ignore[misc]
    """(Remembered) -> Track with what is known of it; output besides: CARRY those whose results stand."""

    def expand(self, remembered: Any) -> Mapping[str, Any]:
        """See the class."""
        tracks = (
            remembered
            | "ByRowGroup" >> beam.Map(lambda one: ((one.place.file, one.place.row_group), one))
            | "SameRowGroup" >> beam.GroupByKey()
            | "Recall" >> beam.FlatMap(_by_reason).with_outputs(CARRY, main=WORK)
        )
        return {name: tracks[name] for name in (WORK, CARRY)}


def recall(file: str, row_group: int, remembered: Iterable[Remembered]) -> Iterator[Track]:
    """Tracks with what is known of them, all in one row group of `tracks`."""
    ordered = sorted(remembered, key=lambda one: one.place.row_in_group)
    facts = facts_at(file, row_group, [one.place.row_in_group for one in ordered])
    for one, known in zip(ordered, facts, strict=True):
        yield replace(one.track, known=Known(one.run_id, known, stands=one.stands))


def _by_reason(element: tuple[tuple[str, int], Iterable[Remembered]]) -> Iterator[Any]:
    (file, row_group), remembered = element
    for track in recall(file, row_group, remembered):
        yield TaggedOutput(CARRY, track) if track.reason in CARRIED else track
