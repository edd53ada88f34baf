"""The start of large libraries and models without Python's collector of cycles in between."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heavy_start() -> Iterator[None]:
    """What is made inside stays: the collector does not look for garbage in it while it grows. It would look
    again and again at a million objects, for a second."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if running:
            gc.enable()
