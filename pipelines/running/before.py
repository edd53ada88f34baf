"""What a run compares with: the files of the runs that are committed under its output, compacted or not."""

from __future__ import annotations

from pipelines.output.committed import read_committed
from pipelines.running.run import Before
from schemas.compaction import MARKS
from schemas.tracks import TRACKS
from transforms.incremental.carry import StoredFile
from transforms.incremental.stage import Earlier
from transforms.storage import join


def before(output_uri: str) -> Before:
    """Tracks and results of the committed runs under `output_uri`; nothing where there is none.

    They are read in place: all rows of a track in a table of results lie in one row group of one file.
    """
    committed = read_committed(output_uri)
    tracks = [file for table in (TRACKS.name, MARKS.name) for file in committed.files(table)]
    rows = committed.rows(TRACKS.name) + committed.rows(MARKS.name)
    stored = tuple(
        StoredFile(table, join(uri, name), runs)
        for table in committed.results
        for uri, runs, entry in committed.sources(table)
        for name in entry["files"]
        if entry["rows"]
    )
    return Before(Earlier(tuple(tracks), rows), stored)
