"""The start of large libraries and models without Python's collector of cycles in between."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def heavy_start() -> Iterator[None]:
    """What is made inside stays to the end of the process: the collector does not look for garbage in it
    while it grows, nor ever after. It would look again and again at a million objects, for a second."""
    running = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if running:
            gc.enable()
