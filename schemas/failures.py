"""Table `failures`: one row for every input that failed, with a typed reason."""

from __future__ import annotations

from dataclasses import dataclass

import pyarrow as pa

from schemas.errors import DataError
from schemas.table import Table, required


@dataclass(frozen=True, slots=True)
class FailureRow:
    """One row of `failures`."""

    track_id: str
    uri: str
    stage: str
    kind: str
    message: str
    attempts: int
    retryable: bool
    run_id: str


FAILURES = Table(
    name="failures",
    version=1,
    columns=(
        required("track_id", pa.string(), "as in tracks"),
        required("uri", pa.string(), "as in tracks"),
        required("stage", pa.string(), "where it failed: a value of schemas.errors.Stage"),
        required("kind", pa.string(), "why: a value of schemas.errors.FailureKind"),
        required("message", pa.string(), "the reason with the value in it"),
        required("attempts", pa.int32(), "how often it was tried in this run"),
        required("retryable", pa.bool_(), "whether the same file may succeed another time"),
        required("run_id", pa.string(), "as in tracks"),
    ),
    row_group_rows=20_000,
)


def failure_row(track_id: str, uri: str, error: DataError, *, run_id: str) -> FailureRow:
    """The row of a failed input."""
    return FailureRow(
        track_id=track_id,
        uri=uri,
        stage=error.stage.value,
        kind=error.kind.value,
        message=error.message,
        attempts=error.attempts,
        retryable=error.retryable,
        run_id=run_id,
    )
