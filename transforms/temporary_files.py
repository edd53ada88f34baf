"""Files of the temporary folder: without a name, and with what the disk refuses as a track's failure."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, cast

from schemas.errors import DataError, FailureKind, Stage


def unnamed_file() -> BinaryIO:
    """A file that ends when it is closed; OSError where the disk takes none."""
    return cast(BinaryIO, tempfile.TemporaryFile(buffering=0))


@contextmanager
def disk_faults(stage: Stage) -> Iterator[None]:
    """Turn what the temporary folder's disk refuses inside the block into DataError(storage)."""
    try:
        yield
    except OSError as error:
        message = f"{tempfile.gettempdir()}: {error.strerror or error}"
        raise DataError(FailureKind.STORAGE, stage, message) from error
