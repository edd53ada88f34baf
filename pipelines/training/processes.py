"""Long work in a few processes, one core each, started anew: TensorFlow does not outlive a fork."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

WORKERS = 2


def in_processes(work: Callable[[T], R], items: Sequence[T], *, at_once: int = 1) -> Iterator[R]:
    """What `work` gives for each item, in order; a process takes so many items at once."""
    if not items:
        return
    # The workers read these when they import numpy.
    os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1")
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(WORKERS, mp_context=context) as pool:
        yield from pool.map(work, items, chunksize=at_once)
