"""Documents are made of the rows of a track, and of nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from schemas.search import FIELDS
from schemas.table import to_arrow
from schemas.tracks import TRACKS
from transforms.indexing.documents import NEEDED, TrackRows, documents, thirds
from transforms.indexing.layout import Column, ColumnType, Layout, manifest_columns

LAYOUT = Layout(tags=("calm", "dark", "v1.5"), pairs=("calm-excited",))


def _tracks(*ids: str, **columns: Any) -> pa.Table:
    empty = {field.name: None if field.nullable else "" for field in TRACKS.columns}
    rows = [{**empty, "track_id": one, "uri": f"/{one}", "status": "tagged", "run_id": "r1"} for one in ids]
    found = to_arrow(rows, TRACKS.schema)
    for name, values in columns.items():
        found = found.append_column(name, values)
    return found


def _tags(*rows: tuple[str, str, float, bool, int]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)]
    kinds = [pa.string(), pa.string(), pa.float32(), pa.bool_(), pa.int16()]
    arrays = [pa.array(values, kind) for values, kind in zip(columns, kinds, strict=True)]
    return pa.table(arrays, names=NEEDED["mood_tags"])


def _curves(track_id: str, valence: list[float], **values: Any) -> pa.Table:
    row: dict[str, Any] = dict.fromkeys(NEEDED["emotion_curves"], 0.25)
    row |= {"track_id": track_id, "valence": valence, "arousal": [0.0] * len(valence)}
    row |= {"quadrant": "Q1", "colour": "#102030", **values}
    lists = {name: pa.list_(pa.float32()) for name in ("valence", "arousal")}
    kinds = {**lists, **dict.fromkeys(("track_id", "quadrant", "colour"), pa.string())}
    return pa.table({name: pa.array([value], kinds.get(name, pa.float32())) for name, value in row.items()})


def test_scores_are_a_mapping_without_zeros_and_a_vector_in_the_order_of_tags() -> None:
    tags = _tags(
        ("a", "v1.5", 0.5, True, 2), ("a", "calm", 0.75, True, 1), ("b", "dark", 0.1, False, 1),
        ("b", "calm", 0.0, False, 2),
    )  # fmt: skip
    one, two = documents(TrackRows(_tracks("a", "b"), {"mood_tags": tags}), LAYOUT)
    assert one["moods"] == {"calm": 0.75, "v1_5": 0.5}
    assert one["mood_vector"] == [0.75, 0.0, 0.5]
    assert one["tags"] == ["calm", "v1.5"]
    assert two["moods"] == {"dark": 0.1}
    assert two["mood_vector"] == [0.0, 0.1, 0.0]
    assert two["tags"] == []


@pytest.mark.parametrize(
    ("curve", "expected"),
    [
        ([1, 1, 2, 2, 4, 4], [1, 2, 4]),
        ([1, 2, 4], [1, 2, 4]),
        ([5], [5, 5, 5]),
        ([1, 3], [1, 2, 3]),
        ([0, 0, 3, 3], [0, 1.5, 3]),
    ],
)
def test_thirds_are_means_and_short_curves_share_steps(curve: list[float], expected: list[float]) -> None:
    assert thirds(np.array(curve, np.float32)) == expected


def test_a_curve_says_how_it_begins_and_ends() -> None:
    curves = _curves("a", [-0.5, -0.5, 0.0, 0.0, 0.25, 0.25])
    [document] = documents(TrackRows(_tracks("a"), {"emotion_curves": curves}), LAYOUT)
    assert (document["valence_start"], document["valence_middle"], document["valence_end"]) == (-0.5, 0, 0.25)
    assert document["valence_rise"] == 0.75
    assert document["emotion"] == [0.25, 0.25]
    assert document["q4_share"] == 0.25
    assert document["colour"] == "#102030"


def test_what_is_no_number_is_no_value_of_a_document() -> None:
    curves = _curves("a", [], valence_mean=float("nan"))
    [document] = documents(TrackRows(_tracks("a"), {"emotion_curves": curves}), LAYOUT)
    assert document["valence_mean"] is None
    assert "emotion" not in document
    assert "valence_start" not in document


def test_a_track_without_results_is_a_document_of_its_row() -> None:
    [document] = documents(TrackRows(_tracks("a")), LAYOUT)
    assert (document["status"], document["run_id"]) == ("tagged", "r1")
    assert not {"tags", "moods", "emotion"} & set(document)


def test_equal_rows_have_equal_hashes_and_any_other_value_another() -> None:
    def hash_of_score(score: float, run_id: str = "r1") -> str:
        tracks = _tracks("a")
        column = tracks.schema.get_field_index("run_id")
        tracks = tracks.set_column(column, "run_id", pa.array([run_id]))
        rows = TrackRows(tracks, {"mood_tags": _tags(("a", "calm", score, True, 1))})
        return str(documents(rows, LAYOUT)[0]["content_hash"])

    assert hash_of_score(0.5) == hash_of_score(0.5)
    assert len({hash_of_score(0.5), hash_of_score(0.501), hash_of_score(0.5, "r2")}) == 3


def test_columns_of_a_manifest_keep_their_types_and_get_names_without_dots() -> None:
    columns = {
        "a.b": pa.array(["<script>"]),
        "a_b": pa.array([7]),
        "day": pa.array([datetime(2026, 1, 2, tzinfo=UTC)]),
        "gain": pa.array([float("inf")]),
        "nested": pa.array([[1, 2]]),
        "live": pa.array([True]),
    }
    tracks = _tracks("a", **columns)
    found = manifest_columns(tracks.schema)
    assert found[:2] == (
        Column("a.b", "a_b", ColumnType.TEXT),
        Column("a_b", "a_b_", ColumnType.WHOLE),
    )
    [document] = documents(TrackRows(tracks), Layout(columns=found))
    assert document["manifest"] == {
        "a_b": "<script>",
        "a_b_": 7,
        "day": "2026-01-02T00:00:00+00:00",
        "nested": "[1, 2]",
        "live": True,
    }


def test_every_field_of_a_document_is_one_of_the_schema() -> None:
    rows = TrackRows(
        _tracks("a", title=pa.array(["Blue"])),
        {
            "mood_tags": _tags(("a", "calm", 0.5, True, 1)),
            "emotion_curves": _curves("a", [0.5]),
            "antonyms": pa.table({"track_id": ["a"], "pair": ["calm-excited"], "share": [0.25]}),
        },
    )
    layout = Layout(LAYOUT.tags, LAYOUT.pairs, manifest_columns(rows.tracks.schema))
    [document] = documents(rows, layout)
    assert set(document) == {field.name for field in FIELDS}
    assert document["antonyms"] == {"calm-excited": 0.25}
