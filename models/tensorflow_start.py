"""TensorFlow's start in a process: quiet, and with as many threads as it was given."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from typing import Any

from schemas.heavy_start import heavy_start

# Before TensorFlow's first import: its notices are not for the users of a batch job.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")


def start_tensorflow(*, threads: int) -> None:
    """Import TensorFlow with so many threads, 0 for as many as there are cores.

    Where it runs already in this process, whoever started it has decided.
    """
    with heavy_start(), _native_notices_hidden(), _not_importable("matplotlib", "sklearn"):
        import tensorflow as tf

        tf.config.list_physical_devices()
    tf.get_logger().setLevel("ERROR")
    if threads:
        with contextlib.suppress(RuntimeError):
            use_threads(threads)


def use_threads(threads: int) -> None:
    """Let TensorFlow use so many threads; RuntimeError after its first operation."""
    import tensorflow as tf

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)


@contextlib.contextmanager
def _not_importable(*names: str) -> Iterator[None]:
    """Keep libraries out that are not loaded yet: Keras imports them, where they are there, for parts of it
    that nothing here uses, and takes a second for it."""
    absent = [name for name in names if name not in sys.modules]
    hidden: dict[str, Any] = dict.fromkeys(absent)  # None is an import that fails
    sys.modules.update(hidden)
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]


@contextlib.contextmanager
def _native_notices_hidden() -> Iterator[None]:
    """Keep what TensorFlow's C++ side prints at its start, before its own log level holds."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)
