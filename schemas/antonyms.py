"""Table `antonyms`: where every tagged track lies between two opposite moods, as a share of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from schemas.table import Table, required


@dataclass(frozen=True, slots=True)
class AntonymRow:
    """One row of `antonyms`; value k of a list is of the chunk from start_s + k * step_s on."""

    track_id: str
    pair: str
    first: str
    second: str
    share: float
    spread: float
    start_s: float
    step_s: float
    shares: Sequence[float]
    run_id: str


ANTONYMS = Table(
    name="antonyms",
    version=1,
    columns=(
        required("track_id", pa.string(), "as in tracks"),
        required("pair", pa.string(), "two opposite moods, such as calm-excited"),
        required("first", pa.string(), "the pair's first mood"),
        required("second", pa.string(), "the pair's second mood"),
        required(
            "share", pa.float32(), "of the first mood over the track, in [0, 1]; the rest is the second's"
        ),
        required("spread", pa.float32(), "standard deviation of the share over the members"),
        required("start_s", pa.float64(), "time of the first chunk, seconds"),
        required("step_s", pa.float64(), "time between chunks, seconds"),
        required(
            "shares",
            pa.list_(pa.field("item", pa.float32(), nullable=False)),
            "of the first mood, one for each chunk",
        ),
        required("run_id", pa.string(), "as in tracks"),
    ),
    row_group_rows=20_000,
)
