"""The state of the objects that a manifest names, told without reading them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pyarrow as pa

from schemas.errors import DataError, FailureKind
from transforms.storage import describe, is_local

# Requests to an object store under way at once; it answers each in tens of milliseconds.
_AT_ONCE = 32

# The source_version and the MD5 of an object.
_State = tuple[str | None, str | None]


def with_states(listed: pa.RecordBatch) -> pa.RecordBatch:
    """Listed rows: tracks with the state and, where the store has it, the MD5 of their object.

    Where there is no telling, reading will say what is wrong, and the state is that it is missing or unknown.
    """
    statuses, uris = (listed.column(name).to_pylist() for name in ("status", "uri"))
    places = [place for place, status in enumerate(statuses) if status is None]
    versions, sums = (listed.column(name).to_pylist() for name in ("source_version", "content_md5"))
    for place, (version, md5) in zip(places, _states([uris[place] for place in places]), strict=True):
        versions[place], sums[place] = version, md5
    for name, values in (("source_version", versions), ("content_md5", sums)):
        index = listed.schema.get_field_index(name)
        listed = listed.set_column(index, listed.schema.field(index), pa.array(values, pa.string()))
    return listed


def _states(uris: list[str]) -> list[_State]:
    if all(map(is_local, uris)):
        return [_state(uri) for uri in uris]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_state, uris))


def _state(uri: str) -> _State:
    try:
        state = describe(uri)
    except DataError as error:
        missing = error.kind in (FailureKind.NOT_FOUND, FailureKind.BAD_URI)
        return (error.kind.value if missing else None), None
    return state.source_version, state.md5
