"""What DuckDB refuses, as errors that say what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import OutputError


@contextmanager
def duckdb_faults() -> Iterator[None]:
    """Turn DuckDB's complaints of memory, of disks and of files into an OutputError; its others are bugs."""
    import duckdb

    try:
        yield
    except duckdb.OutOfMemoryException as error:
        raise OutputError(f"more memory is needed, see --memory-mb: {_first_line(error)}") from error
    except (duckdb.IOException, duckdb.HTTPException) as error:
        raise OutputError(_first_line(error)) from error


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
