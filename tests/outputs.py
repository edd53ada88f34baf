"""What runs have written, compared row by row."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from pipelines.tables import open_tables


def rows_of(output: Path | str) -> dict[str, pd.DataFrame]:
    """Current rows of all tables, without what marks the run, in an order of their own."""
    tables = open_tables(str(output))
    rows = {}
    for name in tables.names:
        frame = tables.read(name).drop(columns="run_id")
        keys = [key for key in ("track_id", "tag", "pair") if key in frame.columns]
        rows[name] = frame.sort_values(keys).reset_index(drop=True)
    return rows


def assert_same_rows(output: Path | str, reference: Path | str) -> None:
    """Every table under an output has exactly the rows of that under another."""
    found, expected = rows_of(output), rows_of(reference)
    assert found.keys() == expected.keys()
    for name, frame in expected.items():
        pd.testing.assert_frame_equal(found[name], frame, check_exact=True, obj=name)
