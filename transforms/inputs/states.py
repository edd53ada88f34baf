"""The state of the objects that a manifest names, told without reading them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from schemas.errors import DataError, FailureKind
from schemas.track import Outcome, Track
from transforms.storage import describe, is_local

# Requests to an object store under way at once; it answers each in tens of milliseconds.
_AT_ONCE = 32


def with_states(items: Sequence[Track | Outcome]) -> list[Track | Outcome]:
    """Tracks with the state and, where the store has it, the MD5 of their object; outcomes as they are.

    Where there is no telling, reading will say what is wrong, and the state is that it is missing or unknown.
    """
    if all(isinstance(item, Outcome) or is_local(item.uri) for item in items):
        return [_with_state(item) for item in items]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return list(pool.map(_with_state, items))


def _with_state(item: Track | Outcome) -> Track | Outcome:
    if isinstance(item, Outcome):
        return item
    try:
        state = describe(item.uri)
    except DataError as error:
        missing = error.kind in (FailureKind.NOT_FOUND, FailureKind.BAD_URI)
        return replace(item, source_version=error.kind.value if missing else None)
    return replace(item, source_version=state.source_version, content_md5=state.md5)
