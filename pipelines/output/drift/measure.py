"""Measuring the drift between two states in DuckDB: schema `a` has the one, schema `b` the other.

Rows of one track and one run never change: a track with the same run in both states has not moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.output.committed import Committed, all_records
from pipelines.output.views import define_views
from schemas.drift import AxisDrift, CurveDrift, Drift, NewFailure, TagDrift, TrackDrift
from schemas.emotion_curves import EMOTION_CURVES
from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS

if TYPE_CHECKING:
    import duckdb

_EXAMPLES = 3
_DONE = "('tagged', 'extracted', 'duplicate')"
_PAIRS = f"""
CREATE TABLE main.pairs AS
SELECT track_id, a.run_id AS run_a, b.run_id AS run_b, a.status = 'failed' AS failed_a,
       b.status = 'failed' AS failed_b, coalesce(a.status IN {_DONE}, false) AS done_a,
       coalesce(b.status IN {_DONE}, false) AS done_b
FROM (SELECT * FROM a.current WHERE status <> 'skipped') a
FULL JOIN (SELECT * FROM b.current WHERE status <> 'skipped') b USING (track_id)
"""  # noqa: S608 - constants
_NEWLY_FAILED = "failed_b AND NOT coalesce(failed_a, false)"
_TRACKS = f"""
SELECT count(run_a), count(run_b), count(*) FILTER (done_a), count(*) FILTER (done_b),
       count(*) FILTER (failed_a), count(*) FILTER (failed_b), count(*) FILTER (run_a IS NULL),
       count(*) FILTER (run_b IS NULL), count(*) FILTER ({_NEWLY_FAILED}),
       count(*) FILTER (failed_a AND NOT failed_b), count(*) FILTER (done_a AND done_b AND run_a <> run_b)
FROM main.pairs
"""  # noqa: S608 - constants
_RATES = """
SELECT tag, count(*) FILTER (tagged), count(*) FILTER (done_a AND done_b AND run_a = run_b)
FROM {schema}.all_mood_tags t JOIN main.pairs p ON t.track_id = p.track_id AND t.run_id = p.run_{schema}
GROUP BY tag
"""
_MOVED = """(
    SELECT t.track_id, tag, tagged, score::DOUBLE AS score FROM {schema}.all_mood_tags t
    SEMI JOIN (SELECT * FROM main.pairs WHERE done_a AND done_b AND run_a <> run_b) p
    ON t.track_id = p.track_id AND t.run_id = p.run_{schema}) {schema}
"""
_FLIPS = f"""
SELECT tag, count(*), count(*) FILTER (b.tagged AND NOT a.tagged),
       count(*) FILTER (a.tagged AND NOT b.tagged), sum(b.score - a.score)
FROM {_MOVED.format(schema="a")} JOIN {_MOVED.format(schema="b")} USING (track_id, tag) GROUP BY tag
"""  # noqa: S608 - constants
_CURVES = """
WITH shifts AS (
    SELECT b.valence_mean::DOUBLE - a.valence_mean AS valence,
           b.arousal_mean::DOUBLE - a.arousal_mean AS arousal, a.quadrant <> b.quadrant AS moved
    FROM a.all_emotion_curves a
    JOIN main.pairs p ON a.track_id = p.track_id AND a.run_id = p.run_a
    JOIN (SELECT track_id, run_id, valence_mean, arousal_mean, quadrant FROM b.all_emotion_curves) b
    ON b.track_id = p.track_id AND b.run_id = p.run_b)
SELECT count(*), avg(valence), avg(abs(valence)), quantile_cont(abs(valence), 0.95),
       avg(arousal), avg(abs(arousal)), quantile_cont(abs(arousal), 0.95), count(*) FILTER (moved)
FROM shifts
"""
_FAILURES = "SELECT kind, count(*) FROM {schema}.failures GROUP BY kind"
_NEW_FAILURES = f"""
SELECT track_id, kind, message FROM b.failures f
SEMI JOIN (SELECT * FROM main.pairs WHERE {_NEWLY_FAILED}) p ON f.track_id = p.track_id AND f.run_id = p.run_b
ORDER BY track_id, kind LIMIT {_EXAMPLES}
"""  # noqa: S608 - constants


def measure_drift(
    connection: duckdb.DuckDBPyConnection, committed: Committed, *, run_a: str, run_b: str
) -> Drift:
    """What differs between the states as of two runs, by their full ids.

    Raises DataError(not_found) for a state that `compact --keep` has dropped.
    """
    states = {"a": committed.as_of(run_a), "b": committed.as_of(run_b)}
    for schema, state in states.items():
        define_views(connection, state, schema=schema, keep=True)
    connection.execute(_PAIRS)
    tracks = TrackDrift(*_one(connection, _TRACKS))
    key = {record["run_id"]: _key(record) for record in all_records(committed)}
    return Drift(
        run_a=run_a,
        run_b=run_b,
        made_by=(key[run_a], key[run_b]),
        tracks=tracks,
        tags=_tags(connection, states, tracks),
        curves=_curves(connection, states),
        failures=_failures(connection, states),
        examples=_examples(connection, states),
    )


def _tags(
    connection: duckdb.DuckDBPyConnection, states: dict[str, Committed], tracks: TrackDrift
) -> tuple[TagDrift, ...]:
    with_results = {"a": tracks.with_results_a, "b": tracks.with_results_b}
    rates: dict[str, dict[str, float]] = {"a": {}, "b": {}}
    same: dict[str, int] = {}
    for schema, state in states.items():
        if MOOD_TAGS.name in state.names:
            for tag, tagged, unmoved in connection.sql(_RATES.format(schema=schema)).fetchall():
                rates[schema][tag] = tagged / max(1, with_results[schema])
                same[tag] = unmoved
    moved = {}
    if all(MOOD_TAGS.name in state.names for state in states.values()):
        moved = {tag: found for tag, *found in connection.sql(_FLIPS).fetchall()}
    drifts = []
    for tag in sorted(rates["a"].keys() | rates["b"].keys()):
        count, gained, lost, shift = moved.get(tag, (0, 0, 0, 0.0))
        compared = same.get(tag, 0) + count
        mean = shift / compared if compared else None
        drifts.append(TagDrift(tag, rates["a"].get(tag), rates["b"].get(tag), compared, gained, lost, mean))
    return tuple(drifts)


def _curves(connection: duckdb.DuckDBPyConnection, states: dict[str, Committed]) -> CurveDrift | None:
    if not all(EMOTION_CURVES.name in state.names for state in states.values()):
        return None
    count, *values, moved = _one(connection, _CURVES)
    return CurveDrift(count, AxisDrift(*values[:3]), AxisDrift(*values[3:]), moved) if count else None


def _failures(
    connection: duckdb.DuckDBPyConnection, states: dict[str, Committed]
) -> dict[str, tuple[int, int]]:
    counts: dict[str, dict[str, int]] = {
        schema: dict(connection.sql(_FAILURES.format(schema=schema)).fetchall())
        for schema, state in states.items()
        if FAILURES.name in state.names
    }
    a, b = (counts.get(schema, {}) for schema in ("a", "b"))
    return {kind: (a.get(kind, 0), b.get(kind, 0)) for kind in sorted(a.keys() | b.keys())}


def _examples(connection: duckdb.DuckDBPyConnection, states: dict[str, Committed]) -> tuple[NewFailure, ...]:
    if FAILURES.name not in states["b"].names:
        return ()
    return tuple(NewFailure(*row) for row in connection.sql(_NEW_FAILURES).fetchall())


def _one(connection: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...]:
    return connection.sql(sql).fetchall()[0]


def _key(record: dict[str, Any]) -> str | None:
    made_by = record.get("bundle") or record.get("front_end") or {}
    return made_by.get("key")
