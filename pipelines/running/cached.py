"""What a feature cache has for the models of a run: the files of each of their inputs."""

from __future__ import annotations

from collections.abc import Iterator

from pipelines.running.run import CachedBefore
from schemas.cached_features import input_folder
from transforms.incremental.cached_tracks import CacheFile
from transforms.incremental.feature_cache import FeatureCache
from transforms.inputs.listing import Listed, list_folder
from transforms.storage import is_local, join, local_path


def cached_before(cache: FeatureCache) -> CachedBefore:
    """Files of a cache, of whatever type, with the input of the models that they are of."""
    files = [
        CacheFile(key, listed.uri)
        for key, input_hash in cache.inputs.items()
        for listed in _files(join(cache.uri, input_folder(input_hash)))
        if listed.uri.endswith(".parquet")  # not one that was never finished
    ]
    return CachedBefore(tuple(files), tuple(cache.inputs))


def _files(folder_uri: str) -> Iterator[Listed]:
    if is_local(folder_uri) and not local_path(folder_uri).exists():
        return iter(())
    return list_folder(folder_uri)
