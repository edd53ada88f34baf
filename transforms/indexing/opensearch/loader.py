"""Loading an index: compare with what it has, send what differs, a bounded number of requests at once.

documents -> hashes of those that are there -> bulk requests -> counts
                                                 '- 429, 503 of some: those again, after a pause
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TypeVar

from schemas.errors import OutputError
from transforms.indexing.loading import Batch, Loaded, Outcome, changed
from transforms.indexing.opensearch.bulk import (
    LONGEST_ID_BYTES,
    Action,
    Answer,
    answers,
    batches,
    delete_action,
    index_action,
)
from transforms.indexing.opensearch.client import Client, RefusedError, Server, TooManyError
from transforms.indexing.opensearch.window import Window
from transforms.object_stores.retries import TemporaryFaultError

# Ids whose hashes are asked for at once.
_ASKED = 500
_HASH = "content_hash"
_OUTCOMES = {Answer.DONE: Outcome.INDEXED, Answer.NEWER: Outcome.SUPERSEDED}
# A request that is refused as a whole: it is too large, or one of its actions is not to be read.
_DIVIDED = (400, 413)
Piece = TypeVar("Piece")
Result = TypeVar("Result")
_BULK = {"filter_path": "items.*._id,items.*.status,items.*.error"}


@dataclass(frozen=True, slots=True)
class Sending:
    """How much goes into a request, and how many of them are under way at once, in each process."""

    max_bytes: int = 5 << 20
    max_actions: int = 1_000
    requests: int = 4


@dataclass(frozen=True, slots=True)
class Index:
    """An index that is there, with its mapping; `empty`: nothing in it is older than this load."""

    server: Server
    name: str
    version: int
    empty: bool
    sending: Sending = Sending()
    whole: bool = False

    def open(self) -> IndexLoader:
        """See Target."""
        return IndexLoader(self, Client(self.server))


class IndexLoader:
    """See Loader."""

    def __init__(self, index: Index, client: Client) -> None:
        self._index = index
        self._client = client
        self._window = Window(index.sending.requests)
        self._threads = ThreadPoolExecutor(index.sending.requests)

    def load(self, batch: Batch) -> Loaded:
        """See Loader."""
        loaded = Loaded()
        fitting = [one for one in batch.documents if _fits(one["track_id"])]
        for document in batch.documents:
            if not _fits(document["track_id"]):
                size = len(document["track_id"].encode())
                loaded.fail(document, f"track_id has {size} bytes, an id at most {LONGEST_ID_BYTES}")
        gone = [] if self._index.empty else [one for one in batch.rows.gone if _fits(one)]
        hashes = self._hashes([*(one["track_id"] for one in fitting), *gone])
        version = self._index.version
        actions = [index_action(one, version) for one in changed(fitting, hashes, loaded)]
        deletes = [delete_action(one, version) for one in gone if one in hashes]
        loaded.deletions = len(deletes)
        for sent in self._each(self._send, self._batches([*actions, *deletes])):
            loaded.merge(sent)
        return loaded

    def close(self) -> None:
        """See Loader."""
        self._threads.shutdown(cancel_futures=True)
        self._client.close()

    def _batches(self, actions: Iterable[Action]) -> Iterable[list[Action]]:
        sending = self._index.sending
        return batches(actions, max_bytes=sending.max_bytes, max_actions=sending.max_actions)

    def _hashes(self, ids: Sequence[str]) -> dict[str, str]:
        """Content hashes of the documents that are there, by id."""
        if self._index.empty:
            return {}
        pieces = (ids[first : first + _ASKED] for first in range(0, len(ids), _ASKED))
        return {one: known for found in self._each(self._ask, pieces) for one, known in found.items()}

    def _ask(self, ids: Sequence[str]) -> dict[str, str]:
        """By ids, not by a search: it sees what has been written a moment ago, too."""
        path = [self._index.name, "_mget"]

        def ask() -> dict[str, str]:
            with self._window.request():
                answer = self._client.send(
                    "POST", path, json.dumps({"ids": ids}).encode(), query={"_source": _HASH}
                )
            for one in answer["docs"]:
                if "error" in one:
                    raise TemporaryFaultError(f"{one['_id']}: {one['error'].get('reason')}")
            return {one["_id"]: one["_source"].get(_HASH, "") for one in answer["docs"] if one["found"]}

        try:
            found: dict[str, str] = self._client.tried(self._counting(ask), path)
        except RefusedError as error:
            raise OutputError(f"{self._index.name}: {error}") from error
        return found

    def _send(self, actions: Sequence[Action]) -> Loaded:
        """Send actions until each has its answer; a request that is refused is sent in halves."""
        waiting, loaded = list(actions), Loaded()
        path = [self._index.name, "_bulk"]

        def send() -> None:
            body = b"".join(action.lines for action in waiting)
            with self._window.request():
                answer = self._client.send("POST", path, body, lines=True, query=_BULK)
            try:
                said = answers(waiting, answer)
            except (ValueError, KeyError) as error:
                raise OutputError(f"{self._index.name}: a bulk answer that is none: {error}") from error
            again = [(action, reason) for action, what, reason in said if what is Answer.AGAIN]
            waiting[:] = [action for action, _ in again]
            for action, what, reason in said:
                _count(action, what, reason, loaded)
            if again:
                raise TooManyError(f"{len(again)} of {len(said)} actions: {again[0][1]}")

        try:
            self._client.tried(self._counting(send), path)
        except RefusedError as error:
            if error.status not in _DIVIDED:
                raise OutputError(f"{self._index.name}: {error}") from error
            if len(waiting) == 1:
                loaded.fail(waiting[0].document, str(error))
                return loaded
            for half in (waiting[: len(waiting) // 2], waiting[len(waiting) // 2 :]):
                loaded.merge(self._send(half))
        return loaded

    def _counting(self, action: Callable[[], Result]) -> Callable[[], Result]:
        """The action, whose request is heeded by the window."""

        def counted() -> Result:
            try:
                result = action()
            except TooManyError:
                self._window.too_many()
                raise
            self._window.answered()
            return result

        return counted

    def _each(self, action: Callable[[Piece], Result], pieces: Iterable[Piece]) -> list[Result]:
        """Results of all pieces, as many at once as there are threads; an error when all have ended."""
        tasks = [self._threads.submit(action, piece) for piece in pieces]
        wait(tasks)
        return [task.result() for task in tasks]


def _fits(track_id: str) -> bool:
    return len(track_id.encode()) <= LONGEST_ID_BYTES


def _count(action: Action, answer: Answer, reason: str, loaded: Loaded) -> None:
    if answer is Answer.REFUSED:
        loaded.fail(action.document, reason)
    elif answer is Answer.DONE and action.deletes:
        loaded.add(Outcome.DELETED)
    elif answer is Answer.ABSENT:
        loaded.deletions -= 1
    elif answer in _OUTCOMES:
        loaded.add(_OUTCOMES[answer])
