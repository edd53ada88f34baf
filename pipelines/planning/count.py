"""The first half of a run as a plan: what is to do and why, counted, with a sample of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.run import Run, compare_input, pieces_of_work, recall_facts
from schemas.track import Outcome, Track, TrackGroup
from schemas.work import CARRIED as STANDING
from transforms.incremental.compare import Remembered
from transforms.incremental.find_features import CachedTracks
from transforms.incremental.shards import place_of
from transforms.outputs import CARRY, REMEMBERED, SETTLED, SUMS, WORK

# How a track is worked on: audio is read, features come from the cache, stored results stand.
READ, CACHED, CARRIED = "read", "cached", "carried"
# Of a sample so many are held besides, so that they are sorted now and then.
_HELD = 1_000


@dataclass(frozen=True, slots=True)
class Counted:
    """What a run would do: tracks by (how, reason), outcomes that are settled, sums of the comparison.

    `audio_s` are the lengths of those to read whose length an earlier run knows, `known` how many these are.
    `sample` are tracks to read, chosen by their ids.
    """

    tracks: Counter[tuple[str, str]] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    audio_s: float = 0.0
    known: int = 0
    sample: tuple[Track, ...] = ()


@dataclass(frozen=True, slots=True)
class _Seen:
    """A track that is to do, how, and how long it was in an earlier run."""

    how: str
    track: Track
    audio_s: float | None = None


def count_run(root: beam.Pipeline, run: Run, *, sample: int, file: Path) -> None:
    """Put the counting on a pipeline; what was counted is left in a file: see `read_counted`."""
    listed, compared = compare_input(root, run)
    tracks = _with_cache(compared, run) if run.before.cache else _without_cache(compared)
    sums = (listed[SUMS], compared[SUMS]) | "Sums" >> beam.Flatten()
    _ = (
        (*tracks, compared[SETTLED], sums)
        | "All" >> beam.Flatten()
        | "Count" >> beam.CombineGlobally(_Count(sample))
        | "Write" >> beam.Map(_write, str(file))
    )


def _without_cache(compared: Mapping[str, Any]) -> tuple[Any, ...]:
    """The comparison says all that is counted: nothing is looked up, nothing is grouped."""
    new = compared[WORK] | "New" >> beam.Map(lambda track: _Seen(READ, track))
    return new, compared[REMEMBERED] | "Remembered" >> beam.Map(_of_remembered)


def _with_cache(compared: Mapping[str, Any], run: Run) -> tuple[Any, ...]:
    recalled = recall_facts(compared)
    work = [
        pieces | f"How{place}" >> beam.FlatMap(_of_piece)
        for place, pieces in enumerate(pieces_of_work(recalled[WORK], run))
    ]
    return *work, recalled[CARRY] | "Carried" >> beam.Map(lambda track: _Seen(CARRIED, track))


def _of_remembered(one: Remembered) -> _Seen:
    carried = one.track.reason in STANDING
    return _Seen(CARRIED, one.track) if carried else _Seen(READ, one.track, one.decoded_s)


def _of_piece(piece: TrackGroup | CachedTracks) -> list[_Seen]:
    if isinstance(piece, CachedTracks):
        return [_Seen(CACHED, cached.track) for cached in piece.tracks]
    return [
        _Seen(READ, track, track.known.facts.decoded_s if track.known else None) for track in piece.tracks
    ]


@dataclass(slots=True)
class _Counts:
    """A Counted under way; `sample` are tracks by their place in the shuffle of all ids."""

    tracks: Counter[tuple[str, str]] = field(default_factory=Counter)
    settled: Counter[str] = field(default_factory=Counter)
    sums: Counter[str] = field(default_factory=Counter)
    audio_s: float = 0.0
    known: int = 0
    sample: list[tuple[int, Track]] = field(default_factory=list)


class _Count(beam.CombineFn):  # type: ignore[misc]
    """_Seen, Outcome and sums by name -> Counted."""

    def __init__(self, sample: int) -> None:
        self._sample = sample

    def create_accumulator(self) -> _Counts:
        return _Counts()

    def add_input(self, counts: _Counts, one: _Seen | Outcome | Mapping[str, float]) -> _Counts:
        if isinstance(one, _Seen):
            self._add(counts, one)
        elif isinstance(one, Outcome):
            counts.settled[str(one.status)] += 1
        else:
            counts.sums.update({name: int(value) for name, value in one.items()})
        return counts

    def merge_accumulators(self, accumulators: Iterable[_Counts]) -> _Counts:
        total = _Counts()
        for one in accumulators:
            total.tracks.update(one.tracks)
            total.settled.update(one.settled)
            total.sums.update(one.sums)
            total.audio_s += one.audio_s
            total.known += one.known
            total.sample = self._first(total.sample + one.sample)
        return total

    def extract_output(self, counts: _Counts) -> Counted:
        sample = tuple(track for _, track in self._first(counts.sample))
        return Counted(counts.tracks, counts.settled, counts.sums, counts.audio_s, counts.known, sample)

    def _add(self, counts: _Counts, one: _Seen) -> None:
        counts.tracks[one.how, str(one.track.reason)] += 1
        if one.how != READ:
            return
        counts.audio_s += one.audio_s or 0.0
        counts.known += one.audio_s is not None
        counts.sample.append((place_of(one.track.track_id), one.track))
        if len(counts.sample) >= 2 * self._sample + _HELD:
            counts.sample = self._first(counts.sample)

    def _first(self, sample: list[tuple[int, Track]]) -> list[tuple[int, Track]]:
        return sorted(sample, key=itemgetter(0))[: self._sample]


def _write(counted: Counted, file: str) -> None:
    fields = {
        "tracks": [(how, reason, count) for (how, reason), count in counted.tracks.items()],
        "settled": counted.settled,
        "sums": counted.sums,
        "audio_s": counted.audio_s,
        "known": counted.known,
        "sample": [(track.track_id, track.uri) for track in counted.sample],
    }
    Path(file).write_text(json.dumps(fields))


def read_counted(file: Path) -> Counted:
    """What `count_run` has left in a file."""
    fields = json.loads(file.read_text())
    return Counted(
        Counter({(how, reason): count for how, reason, count in fields["tracks"]}),
        Counter(fields["settled"]),
        Counter(fields["sums"]),
        fields["audio_s"],
        fields["known"],
        tuple(Track(track_id, uri) for track_id, uri in fields["sample"]),
    )
