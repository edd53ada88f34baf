"""What is tagged on every engine, and how its rows are compared."""

from __future__ import annotations

import pandas as pd
from pandas.testing import assert_frame_equal

from pipelines.tables import open_tables

TRACKS = 24
TAG = ("tag", "gs://music/audio", "--bundle", "gs://music/bundles/small")
KEYS = {
    "tracks": ["track_id"],
    "mood_tags": ["track_id", "tag"],
    "emotion_curves": ["track_id"],
    "failures": ["track_id"],
}


def tables_of(output_uri: str) -> dict[str, pd.DataFrame]:
    """All rows, but for what says which run they are of."""
    tables = open_tables(output_uri)
    return {
        table: tables.read(table)
        .drop(columns=["run_id"], errors="ignore")
        .sort_values(keys)
        .reset_index(drop=True)
        for table, keys in KEYS.items()
    }


def assert_same(tables: dict[str, pd.DataFrame], expected: dict[str, pd.DataFrame]) -> None:
    for name, table in expected.items():
        assert_frame_equal(tables[name], table, obj=name)
