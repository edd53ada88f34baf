"""LoadSlices: slices of a catalogue to an index, with a report of each in a folder."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import apache_beam as beam

from transforms.indexing.documents import documents
from transforms.indexing.layout import Layout
from transforms.indexing.loading import Batch, Loader, Outcome, Target
from transforms.indexing.slices import Slice, read_slice
from transforms.progress import Event, ProgressLog
from transforms.storage import join, write_text
from transforms.writing.faults import writing


class LoadSlices(beam.PTransform):  # type: ignore[misc]
    """() -> int, the numbers of the slices that were loaded; each has a report in the folder then."""

    def __init__(self, slices: Sequence[Slice], load: LoadSlice) -> None:
        super().__init__()
        self._slices = slices
        self._load = load

    def expand(self, root: Any) -> Any:
        """See the class."""
        return (
            root
            | "Slices" >> beam.Create(self._slices)
            | "Spread" >> beam.Reshuffle()
            | "LoadSlice" >> beam.ParDo(self._load)
        )


class LoadSlice(beam.DoFn):  # type: ignore[misc]
    """Reads a slice, makes its documents, brings them to the index, writes the report."""

    def __init__(
        self, target: Target, layout: Layout, *, reports_uri: str, progress_file: str | None = None
    ) -> None:
        self._target = target
        self._layout = layout
        self._reports_uri = reports_uri
        self._progress_file = progress_file

    def setup(self) -> None:
        """See Beam."""
        self._progress = ProgressLog(self._progress_file)
        self._loader: Loader | None = None

    def process(self, part: Slice) -> Iterator[int]:
        """See Beam."""
        if self._loader is None:  # where there is work, and only there
            self._loader = self._target.open()
        rows = read_slice(part, whole=self._target.whole)
        found = documents(rows, self._layout)
        loaded = self._loader.load(Batch(part.number, found, rows))
        if loaded.counts.total() != (due := len(found) + loaded.deletions):
            raise RuntimeError(f"slice {part.number}: {due} documents, {dict(loaded.counts)}")
        uri = report_uri(self._reports_uri, part.number)
        with writing(uri):
            write_text(uri, loaded.to_json())
        self._progress.add(Event.FAILED, loaded.counts[Outcome.FAILED])
        self._progress.add(Event.DONE, len(found) - min(len(found), loaded.counts[Outcome.FAILED]))
        yield part.number

    def teardown(self) -> None:
        """See Beam."""
        self._progress.close()
        if self._loader is not None:
            self._loader.close()


def report_uri(reports_uri: str, number: int) -> str:
    """Where the report of a slice is."""
    return join(reports_uri, f"report-{number:06d}.json")
