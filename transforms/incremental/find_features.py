"""FindFeatures: tracks of known audio whose features a cache has go to the heads, without being read.

tracks  -------.
cache -> index +- by shard of the audio's hash -> tracks by row group of the cache
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
from apache_beam.pvalue import TaggedOutput

from schemas.track import Track
from schemas.work import Reason
from transforms.incremental.cached_tracks import CachedTrack, CachedTracks, CacheFile, Place
from transforms.incremental.index import index_rows
from transforms.incremental.shards import joined, shard_of, split
from transforms.outputs import CACHED, WORK

# The file is the same as before, and so is its audio's hash; the work on it is not.
_SAME_AUDIO = frozenset({Reason.FRONT_END, Reason.MODEL, Reason.SETTINGS})
_AUDIO = "audio_sha256"


class FindFeatures(beam.PTransform):  # type: ignore[misc]
    """(Track) -> Track that has to be read; output besides: CACHED CachedTracks."""

    def __init__(self, files: Sequence[CacheFile], input_keys: Sequence[str], *, shards: int) -> None:
        super().__init__()
        self._files = files
        self._input_keys = tuple(input_keys)
        self._shards = shards

    def expand(self, tracks: Any) -> Mapping[str, Any]:
        """See the class."""
        parted = tracks | "Part" >> beam.ParDo(_Part(self._shards)).with_outputs(WORK, main="known")
        index = (
            tracks.pipeline
            | "Files" >> beam.Create(self._files)
            | "Spread" >> beam.Reshuffle()
            | "Index" >> beam.FlatMap(_index, self._shards)
        )
        located = (
            {"known": parted["known"], "index": index}
            | "ByShard" >> beam.CoGroupByKey()
            | "Locate" >> beam.ParDo(_Locate(self._input_keys)).with_outputs(CACHED, main=WORK)
        )
        cached = (
            located[CACHED]
            | "ByRowGroup" >> beam.GroupByKey()
            | "Together" >> beam.Map(lambda element: CachedTracks(tuple(element[1])))
        )
        return {WORK: (parted[WORK], located[WORK]) | "Read" >> beam.Flatten(), CACHED: cached}


class _Part(beam.DoFn):  # type: ignore[misc]
    def __init__(self, shards: int) -> None:
        self._shards = shards

    def process(self, track: Track) -> Iterable[Any]:
        known = track.known
        if known and known.facts.audio_sha256 and track.reason in _SAME_AUDIO:
            yield shard_of(known.facts.audio_sha256, self._shards), track
        else:
            yield TaggedOutput(WORK, track)


def _index(file: CacheFile, shards: int) -> Iterator[tuple[int, bytes]]:
    for batch in index_rows(file.input_key, file.uri, (_AUDIO,)):
        yield from split(batch, batch.column(_AUDIO).to_pylist(), shards)


class _Locate(beam.DoFn):  # type: ignore[misc]
    def __init__(self, input_keys: tuple[str, ...]) -> None:
        self._input_keys = input_keys

    def process(self, element: tuple[int, Mapping[str, Iterable[Any]]]) -> Iterable[Any]:
        tracks = list(element[1]["known"])
        wanted = {track.known.facts.audio_sha256 for track in tracks}
        places: dict[str, dict[str, Place]] = {audio: {} for audio in wanted}
        for row in (row for part in joined(element[1]["index"]) for row in part) if wanted else ():
            if row[_AUDIO] in places:
                place = Place(row["uri"], row["number"], row["first"])
                places[row[_AUDIO]].setdefault(row["kind"], place)
        for track in tracks:
            found = places[track.known.facts.audio_sha256]
            if all(key in found for key in self._input_keys):
                first = found[self._input_keys[0]]
                yield TaggedOutput(CACHED, ((first.uri, first.number), CachedTrack(track, found)))
            else:
                yield track
