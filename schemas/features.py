"""Table `features`: what a front end makes of every track, ready for training."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.table import Table, required

NAME = "features"


@dataclass(frozen=True, slots=True)
class FeatureRow:
    """One row of `features`: values [rows, width] in the table's type and names [width], as Arrow arrays."""

    track_id: str
    start_s: float
    step_s: float
    names: pa.StringArray
    values: pa.FixedSizeListArray
    run_id: str

    @property
    def nbytes(self) -> int:
        """What it takes in memory."""
        return int(self.names.nbytes + self.values.nbytes)


def features_table(width: int, dtype: str) -> Table:
    """The table of a front end that gives `width` values a row, kept as float16 or float32."""
    kind = {"float16": pa.float16(), "float32": pa.float32()}[dtype]
    values = pa.list_(kind, width)  # pyarrow forgets, when it pickles this type, that its items are required
    return Table(
        name=NAME,
        version=1,
        columns=(
            required("track_id", pa.string(), "as in tracks"),
            required("start_s", pa.float64(), "time of the first value, seconds"),
            required("step_s", pa.float64(), "time between values, seconds"),
            required(
                "names",
                pa.list_(pa.field("item", pa.string(), nullable=False)),
                "of the values of one step, in order",
            ),
            required(
                "values",
                pa.list_(pa.field("item", values, nullable=False)),
                "one list for each step from start_s on",
            ),
            required("run_id", pa.string(), "as in tracks"),
        ),
        row_group_rows=256,
    )
