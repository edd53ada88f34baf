"""Stored rows of a track as rows of this run: tags decided anew on their raw scores, all else as it is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from models.bundle import Bundle
from models.decisions import decide_fused
from schemas.mood_tags import MOOD_TAGS
from transforms.tagging.rows import tag_rows


def restated(table: str, rows: pa.Table, *, bundle: Bundle, run_id: str) -> Sequence[Any]:
    """Rows of one track in one table, by a bundle of the same models as made them."""
    if table != MOOD_TAGS.name:
        return [{**row, "run_id": run_id} for row in rows.to_pylist()]
    order = {tag: place for place, tag in enumerate(rows["tag"].to_pylist())}
    places = np.array([order[tag] for tag in bundle.tags])
    decision = decide_fused(
        _values(rows, "raw_score")[places],
        _values(rows, "disagreement")[places],
        bundle.decisions,
        bundle.quality,
    )
    return tag_rows(rows["track_id"][0].as_py(), decision, bundle, run_id=run_id)


def _values(rows: pa.Table, column: str) -> NDArray[np.float64]:
    values: NDArray[np.float64] = rows[column].to_numpy().astype(np.float64)
    return values
