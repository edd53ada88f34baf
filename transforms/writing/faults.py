"""Faults of the place that a run writes to, as one error that names the file and what is wrong with it."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager

from schemas.errors import DataError, OutputError, Stage


@contextmanager
def writing(uri: str) -> Iterator[None]:
    """Turn what a file system or an object store refuses inside the block into an OutputError.

    `uri` is what is written there; an error that names a file of its own says that one.
    """
    try:
        yield
    except OSError as error:
        name = error.filename if isinstance(error.filename, str) else uri
        raise OutputError(f"{name}: {_reason(error)}") from error
    except DataError as error:
        if error.stage is not Stage.OUTPUT:
            raise
        raise OutputError(error.message) from error


def _reason(error: OSError) -> str:
    if error.errno == errno.ENOENT:
        return "is gone, though this run has made it"
    return os.strerror(error.errno) if error.errno else str(error)
