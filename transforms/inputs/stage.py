"""ReadInput: a folder, a glob, a file or a manifest to groups of tracks, each one piece of work."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics import Metrics
from apache_beam.pvalue import TaggedOutput

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from transforms.duplicates import group_key, group_tracks
from transforms.inputs import listing, manifest
from transforms.outputs import SETTLED, SUMS
from transforms.progress import Event, ProgressLog
from transforms.storage import has_glob, is_local, local_path


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
        yield listing.name_problem(spec.uri) or Track(spec.uri, spec.uri)
    else:
        for listed in listing.list_folder(spec.uri):
            yield listing.to_track(listed)


class ReadInput(beam.PTransform):  # type: ignore[misc]
    """(impulse) -> TrackGroup; outputs besides: SETTLED Outcome, SUMS of what was read.

    The grouping breaks fusion: the costly work after it spreads over all workers.
    """

    def __init__(self, spec: InputSpec, *, progress_file: str | None = None) -> None:
        super().__init__()
        self._spec = spec
        self._progress_file = progress_file

    def expand(self, pipeline: Any) -> Mapping[str, Any]:
        """See the class."""
        listed = (
            pipeline
            | "Input" >> beam.Create([self._spec])
            | "List" >> beam.ParDo(_List(self._progress_file)).with_outputs(SETTLED, SUMS, main="tracks")
        )
        grouped = (
            listed.tracks
            | "Group" >> beam.GroupByKey()
            | "Unique" >> beam.ParDo(_Unique()).with_outputs(SETTLED, main="groups")
        )
        return {
            "groups": grouped.groups,
            SETTLED: (listed[SETTLED], grouped[SETTLED]) | "Settled" >> beam.Flatten(),
            SUMS: listed[SUMS],
        }


class _List(beam.DoFn):  # type: ignore[misc]
    def __init__(self, progress_file: str | None) -> None:
        self._progress_file = progress_file
        self._read = Metrics.counter("moodscribe", "read")

    def process(self, spec: InputSpec) -> Iterable[Any]:
        progress, count = ProgressLog(self._progress_file), 0
        for item in read_input(spec):
            count += 1
            progress.add(Event.READ)
            self._read.inc()
            if isinstance(item, Outcome):
                progress.add(Event.FAILED if item.error else Event.DONE)
                yield TaggedOutput(SETTLED, item)
            else:
                yield group_key(item), item
        progress.close()
        if not count and spec.manifest_columns is None:
            raise DataError(FailureKind.NOT_FOUND, Stage.INPUT, f"{spec.uri}: no files there")
        yield TaggedOutput(SUMS, {"count.read": count})


class _Unique(beam.DoFn):  # type: ignore[misc]
    def process(self, element: tuple[str, Iterable[Track]]) -> Iterable[Any]:
        group, repeated = group_tracks(element[1])
        yield group
        for outcome in repeated:
            yield TaggedOutput(SETTLED, outcome)
