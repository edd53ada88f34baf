"""Histories of runs, written as runs write them, and what is current after them by a plain model."""

from __future__ import annotations

import json
import random
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from schemas.emotion_curves import EMOTION_CURVES
from schemas.failures import FAILURES
from schemas.features import features_table
from schemas.mood_tags import MOOD_TAGS
from schemas.run import RUN_FILE
from schemas.table import Table, to_arrow
from schemas.tables import tables_of_run
from transforms.writing.parts import parquet_writer, write_row_group

TAGS = ("calm", "happy", "sad")
FEATURES = features_table(2, "float16")
WITH_RESULTS = ("tagged", "extracted", "duplicate")
# Columns that version 1 did not have.
_SINCE_VERSION_2 = frozenset(
    {"reason", "failure", "source_version", "content_md5", "input", "grade", "off", "contradicts"}
    | {"front_end_hash", "model_hash", "decision_hash", "columns_hash"}
)
_EMPTY = {pa.string(): "", pa.bool_(): False}


@dataclass(frozen=True, slots=True)
class Row:
    """A row of `tracks`; `kind` is of its failure, `columns` those of a manifest."""

    track_id: str
    status: str = "tagged"
    audio: str | None = None
    reason: str = "new"
    uri: str = ""
    kind: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Past:
    """A run and its rows, in a version of the tables; of the main job, or of features."""

    run_id: str
    rows: tuple[Row, ...]
    version: int = 2
    features: bool = False
    begun: str = ""


def run_id(number: int) -> str:
    """Ids that sort by number."""
    return f"20261101T{number:06d}.000Z-{number:06x}"


def score(track_id: str, of_run: str, tag: str) -> float:
    """Some score in [0, 1), the same for the same names."""
    return zlib.crc32(f"{track_id} {of_run} {tag}".encode()) % 1024 / 1024


def write_run(output: Path, past: Past, *, committed: bool = True) -> Path:
    """Write the folder of a run, with its record if it is committed."""
    folder = output / f"run_id={past.run_id}"
    written = {}
    for table, rows in _tables(past):
        name = f"{table.name}/part-00000-of-00001.parquet"
        _write(folder / name, table, rows, past.version)
        written[table.name] = {"files": [name], "rows": len(rows)}
    record = {
        "run_id": past.run_id,
        "begun": past.begun or past.run_id,
        "tables": written,
        "front_end": {"key": "noise@1"} if past.features else None,
        "bundle": None if past.features else {"key": "small 1"},
        "settings": {"dtype": "float16"} if past.features else {},
        "counts": {"read": len(past.rows)},
    }
    if committed:
        (folder / RUN_FILE).write_text(json.dumps(record))
    return folder


def _tables(past: Past) -> list[tuple[Table, list[dict[str, Any]]]]:
    done = [row.track_id for row in past.rows if row.status in WITH_RESULTS]
    further = [pa.field(name, pa.string()) for name in _column_names(past)]
    tracks = tables_of_run({}, further)["tracks"]
    rows = [
        (tracks, [_track(row) for row in past.rows]),
        (FAILURES, [_failure(row) for row in past.rows if row.kind]),
    ]
    if past.features:
        rows.append((FEATURES, [_features(track_id) for track_id in done]))
    else:
        rows.append((MOOD_TAGS, [_tag(one, past.run_id, tag) for one in done for tag in TAGS]))
        rows.append((EMOTION_CURVES, [_curve(one, past.run_id) for one in done]))
    return [(table, [{"run_id": past.run_id, **row} for row in some]) for table, some in rows]


def _column_names(past: Past) -> list[str]:
    return list(dict.fromkeys(name for row in past.rows for name in row.columns))


def _track(row: Row) -> dict[str, Any]:
    values = {"status": row.status, "audio_sha256": row.audio, "reason": row.reason, "failure": row.kind}
    return {"track_id": row.track_id, "uri": row.uri, **values, **row.columns}


def _failure(row: Row) -> dict[str, Any]:
    return {"track_id": row.track_id, "uri": row.uri, "kind": row.kind, "message": f"{row.kind} it is"}


def _tag(track_id: str, of_run: str, tag: str) -> dict[str, Any]:
    value = score(track_id, of_run, tag)
    ranked = sorted(TAGS, key=lambda one: -score(track_id, of_run, one))
    values = {"score": value, "tagged": value > 0.5, "rank": ranked.index(tag) + 1}
    return {"track_id": track_id, "tag": tag, **values}


def _curve(track_id: str, of_run: str) -> dict[str, Any]:
    valence, arousal = (2 * score(track_id, of_run, axis) - 1 for axis in ("valence", "arousal"))
    quadrant = "Q1" if valence >= 0 else "Q2"
    curve = [valence] * (1 + zlib.crc32(track_id.encode()) % 5)
    values = {"valence": curve, "valence_mean": valence, "arousal_mean": arousal, "quadrant": quadrant}
    return {"track_id": track_id, "colours": ["#000000"], **values}


def _features(track_id: str) -> dict[str, Any]:
    length = 1 + zlib.crc32(track_id.encode()) % 5
    values = np.full((length, 2), length, np.float16).tolist()
    return {"track_id": track_id, "names": ["a", "b"], "values": values}


def _write(path: Path, table: Table, rows: Sequence[Mapping[str, Any]], version: int) -> None:
    columns = [column for column in table.columns if version > 1 or column.name not in _SINCE_VERSION_2]
    table = Table(table.name, version, columns, table.row_group_rows)
    filled = [{**{one.name: _empty(one) for one in columns}, **row} for row in rows]
    path.parent.mkdir(parents=True)
    with path.open("wb") as file, parquet_writer(file, table) as writer:
        if filled:
            write_row_group(writer, to_arrow(filled, table.schema))


def _empty(column: pa.Field) -> Any:
    if column.nullable:
        return None
    return [] if pa.types.is_list(column.type) else _EMPTY.get(column.type, 0)


def random_history(seed: int, *, features: bool = False) -> list[Past]:
    """Runs over a few tracks: new, redone, failed, gone, repeated, equal; the first two of version 1."""
    random_ = random.Random(seed)
    done = "extracted" if features else "tagged"
    history = []
    for number in range(random_.randint(1, 7)):
        version = 1 if number < 2 and not features and seed % 2 else 2
        rows = []
        for track_id in random_.sample("abcdefg", random_.randint(0, 7)):
            audio = random_.choice(["x", "y", "z", None])
            choice = random_.random()
            if choice < 0.6:
                status = "duplicate" if audio and random_.random() < 0.3 else done
                rows.append(Row(track_id, status, audio, uri=f"/{track_id}", columns={"title": f"{number}"}))
            elif choice < 0.75:
                kind = random_.choice(("corrupt", "silent", "not_found"))
                rows.append(Row(track_id, "failed", kind=kind, uri=f"/{track_id}", reason="changed"))
            elif choice < 0.85 and version > 1:
                rows.append(Row(track_id, "gone", reason="gone", uri=f"/{track_id}"))
            elif version > 1 or rows:
                twice = track_id if version > 1 else rows[-1].track_id
                uri = random_.choice(["/twice", "/thrice"])
                row = Row(twice, "failed", kind="duplicate_id", uri=uri, reason="repeated_id")
                rows += [row] * random_.randint(1, 2)
        history.append(Past(run_id(number), tuple(rows), version, features))
    return history


@dataclass(frozen=True, slots=True)
class State:
    """What is current: tracks by id (run, URI, status, original), results as (id, run), failures counted."""

    tracks: dict[str, tuple[str, str, str, str | None]]
    results: frozenset[tuple[str, str]]
    failures: Counter[tuple[str, str, str, str]]


def state_of(history: Iterable[Past]) -> State:
    """What is current after these runs."""
    last: dict[str, tuple[tuple[Any, ...], Row, Past]] = {}
    repeated: dict[tuple[str, str], list[tuple[Row, Past]]] = {}
    gone: dict[str, str] = {}
    for past in sorted(history, key=lambda past: past.run_id):
        new: dict[tuple[str, str], list[tuple[Row, Past]]] = {}
        for row in past.rows:
            if past.version > 1 and row.reason == "repeated_id":
                new.setdefault((row.track_id, row.uri), []).append((row, past))
                continue
            if row.status == "gone":
                gone[row.track_id] = past.run_id
            rank = (past.run_id, row.status != "failed")
            before = last.get(row.track_id)
            if before is None or rank > before[0] or (rank == before[0] and row.uri < before[1].uri):
                last[row.track_id] = (rank, row, past)
        repeated.update(new)
    current = {one: (row, past) for one, (_, row, past) in sorted(last.items()) if row.status != "gone"}
    failures = Counter(
        (row.track_id, row.uri, str(row.kind), past.run_id)
        for past in history
        for row in past.rows
        if row.kind and (past.version == 1 or row.reason != "repeated_id")
        if row.track_id in current and current[row.track_id][1] == past
    )
    for (track_id, uri), rows in repeated.items():
        failures.update(
            (track_id, uri, "duplicate_id", past.run_id)
            for _, past in rows
            if gone.get(track_id, "") < past.run_id
        )
    results = {(one, past.run_id) for one, (row, past) in current.items() if row.status in WITH_RESULTS}
    return State(_with_originals(current), frozenset(results), failures)


def _with_originals(current: Mapping[str, tuple[Row, Past]]) -> dict[str, tuple[str, str, str, str | None]]:
    firsts: dict[str, str] = {}
    for one, (row, _) in current.items():  # in order of ids
        if row.audio and row.status in WITH_RESULTS:
            firsts.setdefault(row.audio, one)
    found = {}
    for one, (row, past) in current.items():
        status, original = row.status, None
        if status in WITH_RESULTS:
            first = firsts.get(row.audio or "", one)
            original = first if first != one else None
            status = "duplicate" if original else "extracted" if past.features else "tagged"
        found[one] = (past.run_id, row.uri, status, original)
    return found
