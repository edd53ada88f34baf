"""Reading the facts of a report from the tables, in DuckDB: no query brings more rows than a page shows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.output.committed import Committed, all_records
from pipelines.output.drift.measure import measure_drift
from pipelines.output.views import define_views
from pipelines.pages.shown_track import ShownTrack, named
from pipelines.pages.track_rows import find_track, has_title, read_track
from pipelines.reporting.account import account_of, records_of_command, run_before
from pipelines.reporting.facts import Facts, FailureExample, TagRate
from pipelines.reporting.grades import grades_by
from pipelines.reporting.plane import CELLS, MOST_POINTS, Plane, Point, QuadrantShare
from pipelines.tables import MoodTables
from schemas.drift import Drift
from schemas.emotion_curves import EMOTION_CURVES
from schemas.errors import DataError, FailureKind
from schemas.failures import FAILURES
from schemas.mood_tags import MOOD_TAGS

if TYPE_CHECKING:
    import duckdb

_EXAMPLES = 3
_OUTERMOST = 200
_RATES = """
SELECT tag, count(*) FILTER (tagged),
       (SELECT count(*) FROM current WHERE status IN ('tagged', 'extracted', 'duplicate')),
       arg_max(grade, run_id), arg_max(off, run_id)
FROM mood_tags GROUP BY tag ORDER BY tag
"""
_FAILED = f"""
SELECT track_id, kind, stage, message FROM failures
QUALIFY row_number() OVER (PARTITION BY kind ORDER BY run_id DESC, track_id) <= {_EXAMPLES}
ORDER BY kind, run_id DESC, track_id
"""  # noqa: S608 - constants
_QUADRANTS = """
SELECT quadrant, count(*), avg(valence_mean), avg(arousal_mean) FROM emotion_curves
GROUP BY quadrant ORDER BY quadrant
"""
_POINTS = """
SELECT c.track_id, {title}, t.uri, c.valence_mean, c.arousal_mean, c.colour
FROM emotion_curves c JOIN tracks t USING (track_id) ORDER BY {order} LIMIT {most}
"""
_CELL = "least({cells} - 1, greatest(0, floor(({axis}_mean::DOUBLE + 1) / 2 * {cells})))::INTEGER"
_CELLS = """
SELECT {valence}, {arousal}, count(*) FROM emotion_curves GROUP BY ALL ORDER BY ALL
"""
# Each kind of track that is shown unless others are asked for, and what it is first of.
_CHOICES = (
    ("most pleasant", "valence_mean DESC", 1),
    ("least pleasant", "valence_mean", 1),
    ("most excited", "arousal_mean DESC", 1),
    ("calmest", "arousal_mean", 1),
    ("changes most", "(valence_max - valence_min) ^ 2 + (arousal_max - arousal_min) ^ 2 DESC", 2),
)
_FIRST = """
SELECT track_id FROM emotion_curves JOIN (SELECT track_id, status FROM current) USING (track_id)
WHERE status = 'tagged' ORDER BY {order}, track_id LIMIT {most}
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """The run to report on, the run to compare with (None: the last of the command before), and names of the
    tracks whose curves are shown (none: a choice of ours)."""

    run_id: str
    against: str | None = None
    tracks: Sequence[str] = ()


def read_facts(
    connection: duckdb.DuckDBPyConnection, committed: Committed, asked: Asked, *, say: Callable[[str], None]
) -> Facts:
    """The facts as of a run; `say` is told what is read next.

    Raises DataError: not_found for a state that `compact --keep` has dropped and a track that is not there,
    bad_input for a name that several tracks have.
    """
    state = committed.as_of(asked.run_id)
    records = all_records(committed)
    account = account_of(records_of_command(records, asked.run_id))
    say(f"{state.rows('tracks'):,} rows of tracks")
    define_views(connection, state, keep=True)
    statuses = connection.sql("SELECT status, count(*) FROM current GROUP BY ALL ORDER BY ALL").fetchall()
    chosen = _chosen(MoodTables(connection, state, tuple(records)), asked.tracks)
    say("valence and arousal")
    plane = _plane(connection) if EMOTION_CURVES.name in state.names else None
    say("tags")
    rates = _rates(connection, state)
    say("changes")
    drift, not_compared = _drift(connection, committed, asked, run_before(records, asked.run_id))
    return Facts(
        output_uri=committed.output_uri,
        account=account,
        statuses=dict(statuses),
        failures=_failures(connection, state),
        examples=_examples(connection, state),
        rates=rates,
        grades_by=grades_by(account, records),
        plane=plane,
        chosen=chosen,
        drift=drift,
        not_compared=not_compared,
    )


def _drift(
    connection: duckdb.DuckDBPyConnection, committed: Committed, asked: Asked, before: str | None
) -> tuple[Drift | None, str]:
    """The drift, or why there is none; that a run that was asked for is gone is an error."""
    run_a = asked.against or before
    if run_a is None:
        return None, "There is no run before this command's to compare with."
    try:
        return measure_drift(connection, committed, run_a=run_a, run_b=asked.run_id), ""
    except DataError as error:
        if asked.against or error.kind is not FailureKind.NOT_FOUND:
            raise
        return None, f"Not compared: {error.message}"


def _failures(connection: duckdb.DuckDBPyConnection, state: Committed) -> dict[str, int]:
    if FAILURES.name not in state.names:
        return {}
    rows = connection.sql("SELECT kind, count(*) FROM failures GROUP BY kind ORDER BY kind").fetchall()
    return dict(rows)


def _examples(connection: duckdb.DuckDBPyConnection, state: Committed) -> list[FailureExample]:
    if FAILURES.name not in state.names:
        return []
    return [FailureExample(*row) for row in connection.sql(_FAILED).fetchall()]


def _rates(connection: duckdb.DuckDBPyConnection, state: Committed) -> list[TagRate]:
    if MOOD_TAGS.name not in state.names:
        return []
    return [TagRate(*row) for row in connection.sql(_RATES).fetchall()]


def _plane(connection: duckdb.DuckDBPyConnection) -> Plane:
    quadrants = [QuadrantShare(*row) for row in connection.sql(_QUADRANTS).fetchall()]
    count = sum(one.count for one in quadrants)
    title = "t.title" if has_title(connection) else "NULL"
    if count <= MOST_POINTS:
        return Plane(count, quadrants, _points(connection, title, "track_id", MOST_POINTS), ())
    valence, arousal = (_CELL.format(cells=CELLS, axis=axis) for axis in ("valence", "arousal"))
    cells: list[Any] = connection.sql(_CELLS.format(valence=valence, arousal=arousal)).fetchall()
    outermost = "c.valence_mean ^ 2 + c.arousal_mean ^ 2 DESC, track_id"
    return Plane(count, quadrants, _points(connection, title, outermost, _OUTERMOST), cells)


def _points(connection: duckdb.DuckDBPyConnection, title: str, order: str, most: int) -> list[Point]:
    rows = connection.sql(_POINTS.format(title=title, order=order, most=most)).fetchall()
    return [Point(track_id, named(track_id, words, uri), *values) for track_id, words, uri, *values in rows]


def _chosen(tables: MoodTables, tracks: Sequence[str]) -> list[tuple[str, ShownTrack]]:
    """The tracks whose curves are shown, each with why it is."""
    if EMOTION_CURVES.name not in tables.names:
        return []
    why: dict[str, str] = {}
    for name in tracks:
        why[find_track(tables, name)] = ""
    for words, order, most in () if tracks else _CHOICES:
        for (track_id,) in tables.connection.sql(_FIRST.format(order=order, most=most)).fetchall():
            why[track_id] = f"{why[track_id]}, {words}" if track_id in why else words
    return [(words, read_track(tables, track_id)) for track_id, words in why.items()]
