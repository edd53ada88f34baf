"""What a run compares with: the files of the runs that are committed under its output, compacted or not."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.output.committed import read_committed
from pipelines.run import Before, CachedBefore
from schemas.cached_features import input_folder
from schemas.compaction import MARKS
from schemas.tracks import TRACKS
from transforms.incremental.carry import StoredFile
from transforms.incremental.feature_cache import FeatureCache
from transforms.incremental.find_features import CacheFile
from transforms.incremental.stage import Earlier
from transforms.inputs.listing import Listed, list_folder
from transforms.storage import is_local, join, local_path


def before(output_uri: str, cache: FeatureCache | None = None) -> Before:
    """Tracks and results of the committed runs under `output_uri`, and what a feature cache has.

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
    return Before(Earlier(tuple(tracks), rows), stored, _cached(cache) if cache else None)


def _cached(cache: FeatureCache) -> CachedBefore:
    files = [
        CacheFile(key, listed.uri)
        for key, input_hash in cache.inputs.items()
        for listed in _files(join(cache.uri, input_folder(input_hash)))
        if listed.uri.endswith(".parquet")
    ]
    return CachedBefore(tuple(files), tuple(cache.inputs))


def _files(folder_uri: str) -> Iterator[Listed]:
    if is_local(folder_uri) and not local_path(folder_uri).exists():
        return iter(())
    return list_folder(folder_uri)
