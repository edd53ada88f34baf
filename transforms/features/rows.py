"""A track's features to its row: times, names, values in the type that was asked for."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from schemas.features import FeatureRow
from transforms.features.front_end import Layout
from transforms.features.samples import refusal


def feature_row(
    track_id: str, values: pa.FixedSizeListArray, layout: Layout, *, names: pa.StringArray, run_id: str
) -> FeatureRow:
    """The row of one track; `names` is given so that all rows share it."""
    return FeatureRow(
        track_id=track_id,
        start_s=layout.start_s,
        step_s=layout.step_s,
        names=names,
        values=values,
        run_id=run_id,
    )


def as_lists(features: NDArray[np.generic], layout: Layout, *, dtype: str) -> pa.FixedSizeListArray:
    """Features [rows, *shape] -> one list of float16 or float32 values for each row.

    Raises DataError(bad_input) for a value that is not finite or does not fit: beyond 65504 in float16.
    """
    width = len(layout.names)
    flat = np.ascontiguousarray(features).reshape(-1, width)
    with np.errstate(over="ignore"):
        kept = flat.astype(dtype)
    finite = np.isfinite(kept)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise refusal(
            f"value {flat[row, column]} of {layout.names[column]} in row {row} does not fit {dtype}"
        )
    return pa.FixedSizeListArray.from_arrays(pa.array(kept.reshape(-1)), width)
