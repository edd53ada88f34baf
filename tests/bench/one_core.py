"""A process that computes with one thread on one core, as a worker of a job does on its share."""

from __future__ import annotations

import os

# Products and sums of one image through VGG16 to fc2: convolutions and two dense layers.
VGG16_FLOP = 30.94e9

_LIBRARIES = ("OMP", "OPENBLAS", "MKL", "NUMBA")


def one_thread() -> dict[str, str]:
    """The environment of such a process: libraries read it when they are loaded."""
    return {**os.environ, **{f"{name}_NUM_THREADS": "1" for name in _LIBRARIES}, "TF_CPP_MIN_LOG_LEVEL": "3"}


def on_one_core() -> None:
    """Keep this process, and those that it starts, on the last core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
