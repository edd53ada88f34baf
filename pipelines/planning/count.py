"""The first half of a run as a plan: what is to do and why, counted, with a sample of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from operator import itemgetter
from pathlib import Path
from typing import Any

import apache_beam as beam

from pipelines.running.run import Run, compare_input, pieces_of_work, recall_facts
from schemas.track import Outcome, Track, TrackGroup
from schemas.work import CARRIED as STANDING
from transforms.incremental.cached_tracks import CachedTracks
from transforms.incremental.compare import Remembered
from transforms.incremental.shards import place_of
from transforms.outputs import CARRY, REMEMBERED, SETTLED, SUMS, WORK, at_end

# How a track is worked on: audio is read, features come from the cache, stored results stand.
READ, CACHED, CARRIED = "read", "cached", "carried"
# So many more are held than a sample has, so that they are sorted now and then.
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
    # Counted where they come from, so that no more than a few counts go on.
    counts = [
        one | f"Count{place}" >> beam.ParDo(_Count(sample))
        for place, one in enumerate((*tracks, compared[SETTLED], compared[SUMS], listed[SUMS]))
    ]
    _ = (
        counts
        | "Counts" >> beam.Flatten()
        | "Join" >> beam.CombineGlobally(_Join(sample))
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
    """A Counted under way; of `sample` are kept so many, with their place in the shuffle of all ids."""

    kept: int
    counted: Counted = field(default_factory=Counted)
    audio_s: float = 0.0
    known: int = 0
    sample: list[tuple[int, Track]] = field(default_factory=list)

    def add(self, one: _Seen | Outcome | Mapping[str, float]) -> None:
        """Count one more."""
        if isinstance(one, Outcome):
            self.counted.settled[str(one.status)] += 1
        elif isinstance(one, Mapping):
            self.counted.sums.update({name: int(value) for name, value in one.items()})
        else:
            self.counted.tracks[one.how, str(one.track.reason)] += 1
            if one.how == READ:
                self.audio_s += one.audio_s or 0.0
                self.known += one.audio_s is not None
                self._take([(place_of(one.track.track_id), one.track)])

    def join(self, other: _Counts) -> None:
        """Add what was counted elsewhere."""
        self.counted.tracks.update(other.counted.tracks)
        self.counted.settled.update(other.counted.settled)
        self.counted.sums.update(other.counted.sums)
        self.audio_s += other.audio_s
        self.known += other.known
        self._take(other.sample)

    def done(self) -> Counted:
        """What was counted."""
        sample = sorted(self.sample, key=itemgetter(0))[: self.kept]
        tracks = tuple(track for _, track in sample)
        return replace(self.counted, audio_s=self.audio_s, known=self.known, sample=tracks)

    def _take(self, sample: list[tuple[int, Track]]) -> None:
        self.sample += sample
        if len(self.sample) > self.kept + _HELD:
            self.sample = sorted(self.sample, key=itemgetter(0))[: self.kept]


class _Count(beam.DoFn):  # type: ignore[misc]
    def __init__(self, sample: int) -> None:
        self._sample = sample

    def start_bundle(self) -> None:
        self._counts = _Counts(self._sample)

    def process(self, one: _Seen | Outcome | Mapping[str, float]) -> None:
        self._counts.add(one)

    def finish_bundle(self) -> Iterable[Any]:
        yield at_end(self._counts)


class _Join(beam.CombineFn):  # type: ignore[misc]
    def __init__(self, sample: int) -> None:
        self._sample = sample

    def create_accumulator(self) -> _Counts:
        return _Counts(self._sample)

    def add_input(self, total: _Counts, counts: _Counts) -> _Counts:
        total.join(counts)
        return total

    def merge_accumulators(self, totals: Iterable[_Counts]) -> _Counts:
        merged = self.create_accumulator()
        for total in totals:
            merged.join(total)
        return merged

    def extract_output(self, total: _Counts) -> Counted:
        return total.done()


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
