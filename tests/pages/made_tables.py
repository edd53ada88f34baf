"""Tables as runs write them, with what a test says of each track, by the project's own writers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.colour import colours
from models.curves import quadrant
from pipelines.pages.shown_track import ShownTrack
from schemas.antonyms import AntonymRow
from schemas.emotion_curves import EMOTION_CURVES, EmotionCurveRow
from schemas.errors import DataError, FailureKind, Stage
from schemas.failures import FAILURES, failure_row
from schemas.mood_tags import MOOD_TAGS, MoodTagRow
from schemas.run import RUN_FILE, RunRecord, TableFiles
from schemas.table import Table, as_mapping, to_arrow
from schemas.tables import tables_of_run
from schemas.tracks import TrackRow
from transforms.tagging.rows import emotion_curve_row
from transforms.writing.parts import parquet_writer, write_row_group

# Calibrated scores above this have the tag.
THRESHOLD = 0.5
GRADES = {"calm": "A", "happy": "B", "sad": "D"}
OFF = frozenset({"sad"})
HOSTILE = "</script><script>alert(1)</script>\u2028<img src=x onerror=alert(2)>&amp;\u202e\x1b[31m=cmd"


@dataclass(frozen=True, slots=True)
class Made:
    """A track of a run: its curves of two members [2, steps], or why it failed."""

    track_id: str
    title: str | None = None
    uri: str = ""
    status: str = "tagged"
    reason: str = "new"
    scores: Mapping[str, float] = field(default_factory=lambda: {"calm": 0.2, "happy": 0.7, "sad": 0.6})
    valence: float = 0.0
    arousal: float = 0.0
    rise: float = 0.4
    failure: DataError | None = None


def failed(track_id: str, kind: FailureKind, message: str, **further: Any) -> Made:
    """A track that failed in decoding."""
    error = DataError(kind, Stage.DECODE, message)
    return Made(track_id, status="failed", failure=error, **further)


def run_id(number: int) -> str:
    """Ids that sort by number."""
    return f"202611{number:02d}T000000.000Z-{number:06x}"


def write_made(output: Path, number: int, tracks: Sequence[Made], **record: Any) -> None:
    """Write a run with these tracks; `record` is what its record has besides."""
    identity = run_id(number)
    done = [one for one in tracks if one.status in ("tagged", "duplicate")]
    title = [pa.field("title", pa.string())]
    made = tables_of_run({}, title)["tracks"]
    write_run(
        output,
        identity,
        {
            made: to_arrow([_track(one, identity) for one in tracks], made.schema),
            MOOD_TAGS: to_arrow([row for one in done for row in tags_of(one, identity)], MOOD_TAGS.schema),
            EMOTION_CURVES: to_arrow([curve_of(one, identity) for one in done], EMOTION_CURVES.schema),
            FAILURES: to_arrow(
                [
                    failure_row(one.track_id, one.uri, one.failure, run_id=identity)
                    for one in tracks
                    if one.failure
                ],
                FAILURES.schema,
            ),
        },
        _counts(tracks),
        **record,
    )


def write_run(
    output: Path, identity: str, tables: Mapping[Table, pa.Table], counts: Mapping[str, int], **record: Any
) -> None:
    """Write the folder of a run and its record."""
    folder = output / f"run_id={identity}"
    files = {}
    for table, rows in tables.items():
        name = f"{table.name}/part-00000-of-00001.parquet"
        (folder / table.name).mkdir(parents=True)
        with (folder / name).open("wb") as file, parquet_writer(file, table) as writer:
            for begin in range(0, rows.num_rows, table.row_group_rows):
                write_row_group(writer, rows.slice(begin, table.row_group_rows))
        files[table.name] = TableFiles((name,), rows.num_rows)
    kinds: Counter[str] = Counter()
    for table, rows in tables.items():
        if table.name == FAILURES.name:
            kinds.update(rows.column("kind").to_pylist())
    plain = RunRecord(
        run_id=identity,
        begun=identity,
        started="2026-11-21T10:00:00.000+00:00",
        finished="2026-11-21T10:01:40.000+00:00",
        input="/music",
        counts=counts,
        reasons={"new": counts["read"]},
        left={},
        waiting=0,
        cached=0,
        failures=dict(kinds),
        tables=files,
        tag_rates={},
        bundle={"key": "small 1", "name": "small", "sha256": ""},
        front_end=None,
        settings={},
        work={},
        versions={"moodscribe": "0.1.0"},
        seconds={"decode": 30.0, "models": 50.0},
        retries={"read": 2, "write": 0},
        audio_s=6000.0,
        percentiles={"decode_ms": {"values": 10, "p50": 2.5, "p90": 4, "p99": 1000, "most": 1234.5}},
    )
    (folder / RUN_FILE).write_text(replace(plain, **record).to_json())


def write_many(output: Path, count: int, tags: Sequence[str] = tuple(GRADES)) -> NDArray[np.float32]:
    """Write a run of so many tracks around (.1, -.1), with curves of two minutes; their means [count, 2]."""
    generator = np.random.default_rng(1)
    means = np.clip(generator.normal((0.1, -0.1), 0.25, (count, 2)), -1.0, 1.0).astype(np.float32)
    identity = run_id(1)
    ids = pa.array([f"track-{place:06d}" for place in range(count)])
    track, curve = Made("track", valence=0.1), curve_of(Made("track", valence=0.1), identity)
    made = tables_of_run({}, [pa.field("title", pa.string())])["tracks"]
    columns = {
        "track_id": ids,
        "valence_mean": pa.array(means[:, 0]),
        "arousal_mean": pa.array(means[:, 1]),
        "colour": pa.array(colours(means[:, 0], means[:, 1])),
        "quadrant": pa.array([quadrant(*pair) for pair in means.tolist()]),
    }
    tag_rows = [as_mapping(row) for row in tags_of(replace(track, scores=dict.fromkeys(tags, 0.6)), identity)]
    write_run(
        output,
        identity,
        {
            made: _repeated([_track(track, identity)], made, count, {"track_id": ids}),
            MOOD_TAGS: _repeated(tag_rows, MOOD_TAGS, count, {"track_id": ids.take(_each(count, len(tags)))}),
            EMOTION_CURVES: _repeated([as_mapping(curve)], EMOTION_CURVES, count, columns),
            FAILURES: to_arrow([], FAILURES.schema),
        },
        _counts([]) | {"read": count, "tagged": count},
    )
    return means


def _each(count: int, times: int) -> pa.Array:
    return pa.array(np.repeat(np.arange(count), times))


def _repeated(
    rows: list[dict[str, Any]], table: Table, count: int, columns: Mapping[str, pa.Array]
) -> pa.Table:
    """The rows over and over, with these columns in place of theirs."""
    repeated = to_arrow(rows, table.schema).take(pa.array(np.tile(np.arange(len(rows)), count)))
    for name, values in columns.items():
        place = repeated.schema.get_field_index(name)
        repeated = repeated.set_column(place, repeated.schema.field(place), values)
    return repeated


def _counts(tracks: Sequence[Made]) -> dict[str, int]:
    names = ("tagged", "failed", "skipped", "duplicate", "unchanged", "left", "gone")
    found = Counter(one.status for one in tracks)
    return {"read": len(tracks) - found["gone"], **{name: found[name] for name in names}}


def _track(one: Made, identity: str) -> dict[str, Any]:
    row = TrackRow(
        track_id=one.track_id,
        uri=one.uri or f"/music/{one.track_id}",
        status=one.status,
        reason=one.reason,
        run_id=identity,
        bundle="small 1",
        input="/music",
        front_end_hash="",
        model_hash="",
        settings_hash="",
        decision_hash="",
        columns_hash="",
        failure=one.failure.kind.value if one.failure else None,
        decoded_s=120.0,
        codec="flac",
        sample_rate_hz=44_100,
        channels=2,
    )
    return {**as_mapping(row), "title": one.title}


def tags_of(one: Made, identity: str) -> list[MoodTagRow]:
    """Its rows of tags, in the order of its scores."""
    ranked = sorted(one.scores, key=lambda tag: -one.scores[tag])
    return [
        MoodTagRow(
            track_id=one.track_id,
            tag=tag,
            score=score,
            raw_score=score,
            threshold=THRESHOLD,
            tagged=score > THRESHOLD and tag not in OFF,
            rank=ranked.index(tag) + 1,
            disagreement=0.125,
            grade=GRADES.get(tag, "C"),
            off=tag in OFF,
            contradicts=None,
            run_id=identity,
        )
        for tag, score in one.scores.items()
    ]


def curve_of(one: Made, identity: str) -> EmotionCurveRow:
    """Two minutes at the track's emotion, its valence rising in the middle; two members .1 apart."""
    rise = np.where(np.arange(240) < 120, -one.rise / 2, one.rise / 2).astype(np.float32)
    apart = np.array([[-0.05], [0.05]], np.float32)
    curves = {
        "valence": (np.float32(one.valence) + rise + apart).astype(np.float32),
        "arousal": np.full((2, 240), one.arousal, np.float32) + apart,
    }
    return emotion_curve_row(one.track_id, curves, run_id=identity)


def shown_track(one: Made) -> ShownTrack:
    """The track with its rows, and one pair of opposites."""
    pair = AntonymRow(one.track_id, "calm-excited", "calm", "excited", 0.75, 0.1, 0.0, 20.0, [0.75], "7")
    return ShownTrack(
        track_id=one.track_id,
        title=one.title or "",
        uri=one.uri,
        source="run 7",
        facts={"status": one.status},
        tags=sorted(tags_of(one, "7"), key=lambda row: row.rank),
        curve=curve_of(one, "7"),
        antonyms=[pair],
    )
