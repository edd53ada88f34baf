"""The first half of a run as a plan: what is to do and why, counted, with a sample of it."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import apache_beam as beam

from pipelines.run import Run, compare_input, pieces_of_work
from schemas.track import Outcome, Track, TrackGroup
from transforms.incremental.find_features import CachedTracks
from transforms.incremental.shards import place_of
from transforms.outputs import CARRY, SETTLED, SUMS, WORK

# How a track is worked on: audio is read, features come from the cache, stored results stand.
READ, CACHED, CARRIED = "read", "cached", "carried"


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


def count_run(root: beam.Pipeline, run: Run, *, sample: int, file: Path) -> None:
    """Put the counting on a pipeline; what was counted is left in a file: see `read_counted`."""
    listed, compared = compare_input(root, run)
    work = [
        pieces | f"How{place}" >> beam.FlatMap(_of_piece)
        for place, pieces in enumerate(pieces_of_work(compared[WORK], run))
    ]
    carried = compared[CARRY] | "Carried" >> beam.Map(_of_carried)
    settled = compared[SETTLED] | "Settled" >> beam.Map(_of_settled)
    sums = (listed[SUMS], compared[SUMS]) | "Sums" >> beam.Flatten() | "Summed" >> beam.Map(_of_sums)
    _ = (
        (*work, carried, settled, sums)
        | "All" >> beam.Flatten()
        | "Count" >> beam.CombineGlobally(_Join(sample))
        | "Write" >> beam.Map(_write, str(file))
    )


def _of_piece(piece: TrackGroup | CachedTracks) -> Iterable[Counted]:
    if isinstance(piece, CachedTracks):
        for cached in piece.tracks:
            yield Counted(Counter({(CACHED, str(cached.track.reason)): 1}))
        return
    for track in piece.tracks:
        seconds = track.known.facts.decoded_s if track.known else None
        yield Counted(
            Counter({(READ, str(track.reason)): 1}),
            audio_s=seconds or 0.0,
            known=int(seconds is not None),
            sample=(track,),
        )


def _of_carried(track: Track) -> Counted:
    return Counted(Counter({(CARRIED, str(track.reason)): 1}))


def _of_settled(outcome: Outcome) -> Counted:
    return Counted(settled=Counter({str(outcome.status): 1}))


def _of_sums(sums: Mapping[str, float]) -> Counted:
    return Counted(sums=Counter({name: int(value) for name, value in sums.items()}))


class _Join(beam.CombineFn):  # type: ignore[misc]
    def __init__(self, sample: int) -> None:
        self._sample = sample

    def create_accumulator(self) -> Counted:
        return Counted()

    def add_input(self, accumulator: Counted, one: Counted) -> Counted:
        return self.merge_accumulators((accumulator, one))

    def merge_accumulators(self, accumulators: Iterable[Counted]) -> Counted:
        total = Counted()
        for one in accumulators:
            tracks = sorted((*total.sample, *one.sample), key=lambda track: place_of(track.track_id))
            total = Counted(
                total.tracks + one.tracks,
                total.settled + one.settled,
                total.sums + one.sums,
                total.audio_s + one.audio_s,
                total.known + one.known,
                tuple(tracks[: self._sample]),
            )
        return total

    def extract_output(self, accumulator: Counted) -> Counted:
        return accumulator


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
