"""Bulk requests, their answers, the mapping and the back-pressure, without a server."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest

from schemas.search import FIELDS
from transforms.indexing.layout import Column, ColumnType, Layout
from transforms.indexing.opensearch.bulk import (
    Action,
    Answer,
    answers,
    batches,
    delete_action,
    index_action,
    version_of,
)
from transforms.indexing.opensearch.mapping import index_body, mapping_hash
from transforms.indexing.opensearch.window import Window

LAYOUT = Layout(("calm", "sad"), ("calm-excited",), (Column("title", "title", ColumnType.TEXT),))


def _actions(*sizes: int) -> list[Action]:
    return [
        Action({"track_id": str(one)}, deletes=False, lines=b"x" * size) for one, size in enumerate(sizes)
    ]


def test_lines_of_a_document_name_its_id_and_its_version() -> None:
    hostile = {"track_id": 'a"\n', "title": "\u2028<script>\n"}
    head, body, rest = index_action(hostile, 7).lines.split(b"\n")
    assert json.loads(head) == {"index": {"_id": 'a"\n', "version": 7, "version_type": "external_gte"}}
    assert json.loads(body) == hostile
    assert rest == b""
    assert json.loads(delete_action("b", 8).lines)["delete"]["version"] == 8


def test_versions_are_milliseconds_and_rise_with_runs() -> None:
    first, second = (version_of(f"20261121T065501.{part}Z-1f9c04") for part in ("123", "124"))
    assert second - first == 1
    assert first == 1795244101123


def test_batches_are_bounded_in_bytes_and_actions_and_a_large_one_goes_alone() -> None:
    found = batches(_actions(4, 4, 4, 50, 1, 1, 1, 1), max_bytes=10, max_actions=3)
    assert [[len(action.lines) for action in batch] for batch in found] == [[4, 4], [4], [50], [1, 1, 1], [1]]


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (201, None, Answer.DONE),
        (409, "version_conflict_engine_exception", Answer.NEWER),
        (429, "rejected_execution_exception", Answer.AGAIN),
        (503, "unavailable_shards_exception", Answer.AGAIN),
        (400, "mapper_parsing_exception", Answer.REFUSED),
        (404, "index_not_found_exception", Answer.REFUSED),
        (500, "null_pointer_exception", Answer.REFUSED),
    ],
)
def test_an_answer_says_whether_another_try_helps(status: int, error: str | None, expected: Answer) -> None:
    item: dict[str, Any] = {"_id": "0", "status": status}
    if error:
        item["error"] = {"type": error, "reason": "so it is", "caused_by": {"reason": "because"}}
    [(_, answer, reason)] = answers(_actions(1), {"items": [{"index": item}]})
    assert answer is expected
    assert reason == (f"{error}: so it is: because" if error else "")


def test_what_is_not_there_to_be_deleted_is_no_fault() -> None:
    [(_, answer, _)] = answers([delete_action("b", 1)], {"items": [{"delete": {"_id": "b", "status": 404}}]})
    assert answer is Answer.ABSENT


@pytest.mark.parametrize(
    "response",
    [{}, {"items": []}, {"items": [{"index": {"_id": "other", "status": 200}}]}],
)
def test_an_answer_of_other_actions_is_no_answer(response: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="the answer is of"):
        answers(_actions(1), response)


def test_every_field_has_its_place_in_the_mapping() -> None:
    body = index_body(LAYOUT, nearest=True)
    properties = body["mappings"]["properties"]
    assert set(properties) == {field.name for field in FIELDS}
    assert properties["mood_vector"]["dimension"] == 2
    assert properties["moods"] == {"type": "rank_features"}
    assert properties["manifest"]["properties"]["title"]["type"] == "text"
    assert properties["antonyms"]["properties"] == {"calm-excited": {"type": "float"}}
    assert "knn" not in json.dumps(index_body(LAYOUT, nearest=False))


def test_another_order_of_tags_is_another_mapping() -> None:
    other = Layout(("calm", "glad"), LAYOUT.pairs, LAYOUT.columns)
    assert mapping_hash(LAYOUT) == mapping_hash(Layout(LAYOUT.tags, LAYOUT.pairs, LAYOUT.columns))
    assert mapping_hash(LAYOUT) != mapping_hash(other)


def test_too_many_requests_halve_what_is_under_way_and_answers_widen_it_again() -> None:
    window = Window(8)
    window.too_many()
    window.too_many()
    assert window.width == 2
    for _ in range(2):
        window.answered()
    assert window.width == 3
    for _ in range(100):
        window.answered()
    assert window.width == 8
    for _ in range(5):
        window.too_many()
    assert window.width == 1


def test_no_more_requests_are_under_way_than_the_window_is_wide() -> None:
    window, lock, most, now = Window(3), threading.Lock(), 0, 0
    gate = threading.Barrier(3, timeout=10)

    def ask() -> None:
        nonlocal most, now
        with window.request():
            with lock:
                now += 1
                most = max(most, now)
            gate.wait()
            with lock:
                now -= 1

    threads = [threading.Thread(target=ask) for _ in range(9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 3
