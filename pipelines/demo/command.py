"""`moodscribe demo`: compose a catalogue, tag it with the default bundle, show what was found."""

from __future__ import annotations

import sys
from pathlib import Path

import pandas as pd
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pipelines.cli import EXIT_DONE, main
from pipelines.demo.catalogue import compose_catalogue
from pipelines.tables import MoodTables, open_tables

_TRACKS = """
SELECT tracks.track_id, status, duplicate_of, decoded_s, quadrant, colour, valence_mean, arousal_mean,
       (SELECT string_agg(tag, ', ' ORDER BY rank) FROM mood_tags
        WHERE mood_tags.track_id = tracks.track_id AND tagged) AS tags
FROM tracks LEFT JOIN emotion_curves USING (track_id)
WHERE status IN ('tagged', 'duplicate') ORDER BY tracks.track_id
"""
# One line for a shell: Python in double quotes, SQL in three single ones, its texts in one.
_QUERY = (
    "{python} -c \"import duckdb; duckdb.sql('''SELECT track_id, score "
    "FROM '{output}/run_id=*/mood_tags/*.parquet' WHERE tag = 'happy' "
    "AND run_id IN (SELECT run_id FROM '{output}/run_id=*/run.json') "
    "ORDER BY score DESC LIMIT 5''').show()\""
)


def run_demo(folder: str) -> int:
    """Compose into `folder`/catalogue, tag into `folder`/moods, print tables; the exit status."""
    catalogue, output = Path(folder) / "catalogue", Path(folder) / "moods"
    composed = compose_catalogue(catalogue, progress=_progress)
    print(f"composed {len(composed)} files in {catalogue}")
    print(f"$ moodscribe tag {catalogue} --output {output}", flush=True)
    status = main(["tag", str(catalogue), "--output", str(output)])
    if status != EXIT_DONE:
        return status
    show(open_tables(str(output)), catalogue.absolute(), output)
    return EXIT_DONE


def show(tables: MoodTables, catalogue: Path, output: Path) -> None:
    """Print the tracks with their tags, the failures, and how to query."""
    # Off a terminal there is no width to fit: lines are as long as they need to be.
    console = Console(width=None if sys.stdout.isatty() else 150)
    console.print(_tracks_table(tables.query(_TRACKS), catalogue))
    console.print(_failures_table(tables.read("failures"), catalogue))
    print("The pieces are synthetic, and the bundle was trained on recordings: take these moods with salt.")
    print(f"tables: {output}/run_id=*/{{tracks,mood_tags,emotion_curves,failures}}/*.parquet")
    print("query them, for example with DuckDB:")
    print(_QUERY.format(python=_python(), output=output))
    print(f"or as one file: moodscribe export {output} mood_tags moods.csv")


def _tracks_table(rows: pd.DataFrame, catalogue: Path) -> Table:
    table = Table(title="what was found", title_justify="left")
    for name in ("track", "length", "quadrant", "valence", "arousal"):
        table.add_column(name, justify="left" if name in ("track", "quadrant") else "right", no_wrap=True)
    table.add_column("tags, best first")
    for row in rows.to_dict(orient="records"):
        tags = str(row["tags"]) if isinstance(row["tags"], str) else "-"
        if isinstance(row["duplicate_of"], str):
            tags += f" (the same audio as {_short(row['duplicate_of'], catalogue)})"
        table.add_row(
            _short(str(row["track_id"]), catalogue),
            f"{row['decoded_s']:.0f} s",
            Text("■ ", style=str(row["colour"])) + Text(str(row["quadrant"]), style="default"),
            f"{row['valence_mean']:+.2f}",
            f"{row['arousal_mean']:+.2f}",
            Text(tags),
        )
    return table


def _failures_table(rows: pd.DataFrame, catalogue: Path) -> Table:
    table = Table(title="failures, each with its reason", title_justify="left")
    for name in ("track", "stage", "kind", "message"):
        table.add_column(name)
    for row in rows.sort_values("track_id").to_dict(orient="records"):
        track = _short(str(row["track_id"]), catalogue)
        table.add_row(*(Text(str(cell)) for cell in (track, row["stage"], row["kind"], row["message"])))
    return table


def _python() -> str:
    """How to call this Python from here."""
    path, here = Path(sys.executable), Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def _short(track_id: str, catalogue: Path) -> str:
    return track_id.removeprefix(f"{catalogue}/")


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        end = "\n" if done == total else ""
        print(f"\rcomposing {done} of {total}", end=end, file=sys.stderr, flush=True)
