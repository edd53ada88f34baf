"""Bulk requests: actions as lines, batches of bounded size, and what the answer says of each action.

{"index": {"_id": "a", "version": 1761..., "version_type": "external_gte"}}
{"track_id": "a", ...}
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import Any

from transforms.indexing.documents import Document
from transforms.object_stores.retries import PASSING

# OpenSearch takes no longer ids.
LONGEST_ID_BYTES = 512
_CONFLICT, _NOT_FOUND = 409, 404
# Of one action; a fault of the server's own comes with the same document each time.
_PASSING = PASSING - {500}


@dataclass(frozen=True, slots=True)
class Action:
    """A document to index, or to delete: what is known of it, and its lines."""

    document: Mapping[str, Any]
    deletes: bool
    lines: bytes


class Answer(Enum):
    """What a server says of an action."""

    DONE = "done"
    ABSENT = "not there to be deleted"
    NEWER = "a newer one is there"
    AGAIN = "another try may help"
    REFUSED = "no other try will help"


def version_of(run_id: str) -> int:
    """The version of documents of the state that this run is the newest of: its time in milliseconds."""
    moment = datetime.strptime(run_id.partition("Z")[0], "%Y%m%dT%H%M%S.%f").replace(tzinfo=UTC)
    return round(moment.timestamp() * 1000)


def index_action(document: Document, version: int) -> Action:
    """The action that indexes a document, unless a newer one is there."""
    lines = _head("index", document["track_id"], version) + json.dumps(document).encode() + b"\n"
    return Action(document, deletes=False, lines=lines)


def delete_action(track_id: str, version: int) -> Action:
    """The action that deletes a document, unless a newer one is there."""
    return Action({"track_id": track_id}, deletes=True, lines=_head("delete", track_id, version))


def _head(operation: str, track_id: str, version: int) -> bytes:
    entry = {"_id": track_id, "version": version, "version_type": "external_gte"}
    return json.dumps({operation: entry}).encode() + b"\n"


def batches(actions: Iterable[Action], *, max_bytes: int, max_actions: int) -> Iterator[list[Action]]:
    """Actions in requests of at most so many and so many bytes; a larger one goes alone."""
    held: list[Action] = []
    size = 0
    for action in actions:
        if held and (len(held) == max_actions or size + len(action.lines) > max_bytes):
            yield held
            held, size = [], 0
        held.append(action)
        size += len(action.lines)
    if held:
        yield held


def answers(actions: Sequence[Action], response: Mapping[str, Any]) -> list[tuple[Action, Answer, str]]:
    """What the server says of each action, and its reason; ValueError for an answer of another form."""
    items = response.get("items")
    if not isinstance(items, list) or len(items) != len(actions):
        raise ValueError(f"{len(actions)} actions were sent, the answer is of {items and len(items)}")
    return [_answer(action, item) for action, item in zip(actions, items, strict=True)]


def _answer(action: Action, item: Mapping[str, Any]) -> tuple[Action, Answer, str]:
    [(operation, said)] = item.items()
    if operation != ("delete" if action.deletes else "index") or said["_id"] != action.document["track_id"]:
        raise ValueError(
            f"the answer is of {operation} {said['_id']!r}, not of {action.document['track_id']!r}"
        )
    status, error = said["status"], said.get("error") or {}
    reason = f"{error.get('type', 'status')}: {error.get('reason', status)}"
    if cause := error.get("caused_by"):
        reason += f": {cause.get('reason', '')}"
    if status == _NOT_FOUND and action.deletes and not error:
        return action, Answer.ABSENT, ""
    if status < 300:
        return action, Answer.DONE, ""
    if status == _CONFLICT:
        return action, Answer.NEWER, reason
    return action, Answer.AGAIN if status in _PASSING else Answer.REFUSED, reason
