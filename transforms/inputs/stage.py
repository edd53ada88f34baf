"""ReadInput and GroupTracks: a folder, a glob, a file or a manifest to rows, tracks to pieces of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Any

import apache_beam as beam
import pyarrow as pa

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from transforms.duplicates import group_key, group_tracks
from transforms.incremental.listed import listed_schema, to_batch
from transforms.incremental.shards import packed, unpacked
from transforms.incremental.split import SplitByShard
from transforms.inputs import listing, manifest
from transforms.inputs.states import with_states
from transforms.metrics import summed
from transforms.object_stores.retries import take_retries
from transforms.outputs import SUMS
from transforms.progress import Event, ProgressLog
from transforms.storage import has_glob, is_local, local_path

# Listed tracks travel together, so many at once.
LISTED_TOGETHER = 4_096


@dataclass(frozen=True, slots=True)
class InputSpec:
    """What to read: `manifest_columns` is None for a folder, a glob or a single file."""

    uri: str
    manifest_columns: tuple[pa.Field, ...] | None = None


def inspect_input(uri: str) -> InputSpec:
    """What an input is, looked at before anything runs.

    Raises DataError: not_found, not_readable, bad_input for a manifest without the columns it needs.
    """
    absolute = str(local_path(uri).absolute()) if is_local(uri) else uri
    if uri.lower().endswith(listing.MANIFEST_SUFFIXES) and not local_path(absolute).is_dir():
        return InputSpec(absolute, tuple(manifest.manifest_columns(absolute)))
    if is_local(uri) and next(listing.list_folder(absolute), None) is None:
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{uri}: no files there")
    if is_local(uri) and not has_glob(uri) and not local_path(absolute).exists():
        raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{uri}: no such file or folder")
    return InputSpec(absolute)


def read_input(spec: InputSpec) -> Iterator[Track | Outcome]:
    """Tracks of an input, and outcomes of what needs no work: skipped names, bad rows."""
    if spec.manifest_columns is not None:
        kinds = {field.name: field.type for field in spec.manifest_columns}
        for row in manifest.manifest_rows(spec.uri, kinds):
            yield manifest.to_track(row, spec.uri)
    elif is_local(spec.uri) and local_path(spec.uri).is_file():
        # A file that was named is read, whatever its suffix.
        listed = listing.listed_file(local_path(spec.uri))
        track = Track(spec.uri, spec.uri, source_version=listed.source_version)
        yield listing.name_problem(spec.uri) or track
    else:
        for listed in listing.list_folder(spec.uri):
            yield listing.to_track(listed)


class ReadInput(beam.PTransform):  # type: ignore[misc]
    """(impulse) -> (shard, part): what is listed, as Arrow rows by track_id; output besides: SUMS.

    The state of a manifest's objects is looked up here, by all workers.
    """

    def __init__(self, spec: InputSpec, *, shards: int, progress_file: str | None = None) -> None:
        super().__init__()
        self._spec = spec
        self._shards = shards
        self._progress_file = progress_file

    def expand(self, pipeline: Any) -> Mapping[str, Any]:
        """See the class."""
        listed = (
            pipeline
            | "Input" >> beam.Create([self._spec])
            | "List" >> beam.ParDo(_List(self._progress_file)).with_outputs(SUMS, main="batches")
        )
        batches = listed["batches"]
        if self._spec.manifest_columns is not None:
            batches = (
                batches
                | "Pack" >> beam.Map(packed)
                | "Spread" >> beam.Reshuffle()
                | "Unpack" >> beam.Map(unpacked)
                | "Describe" >> beam.Map(with_states)
            )
        parts = batches | "Shard" >> SplitByShard("track_id", self._shards)
        return {"listed": parts, SUMS: listed[SUMS]}


class GroupTracks(beam.PTransform):  # type: ignore[misc]
    """(Track) -> TrackGroup: tracks of the same bytes, by the object store's word, are one piece of work.

    The grouping breaks fusion: the costly work after it spreads over all workers.
    """

    def expand(self, tracks: Any) -> Any:
        """See the class."""
        return (
            tracks
            | "ByKey" >> beam.Map(lambda track: (group_key(track), track))
            | "Group" >> beam.GroupByKey()
            | "Unique" >> beam.Map(lambda element: group_tracks(element[1]))
        )


class _List(beam.DoFn):  # type: ignore[misc]
    def __init__(self, progress_file: str | None) -> None:
        self._progress_file = progress_file

    def process(self, spec: InputSpec) -> Iterable[Any]:
        progress, count = ProgressLog(self._progress_file), 0
        schema = listed_schema(spec.manifest_columns or ())
        listed = read_input(spec)
        while items := list(islice(listed, LISTED_TOGETHER)):
            count += len(items)
            progress.add(Event.READ, len(items))
            yield to_batch(items, schema)
        progress.close()
        if not count and spec.manifest_columns is None:
            raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{spec.uri}: no files there")
        yield summed({"count.read": count, **take_retries()})
