"""FS1 as a user of openSMILE's Python package computes it: one run for each level, then windows in NumPy.

Not in a process with TensorFlow in it: openSMILE's library corrupts its memory. `apart` is for tests.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

Result = TypeVar("Result")


def reference_descriptors(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float64]:
    """The 65 descriptors and their deltas every 10 ms, as long as the shorter of the two: [rows, 130]."""
    import opensmile

    runs = [
        opensmile.Smile(opensmile.FeatureSet.ComParE_2016, level).process_signal(samples, rate_hz).to_numpy()
        for level in (
            opensmile.FeatureLevel.LowLevelDescriptors,
            opensmile.FeatureLevel.LowLevelDescriptors_Deltas,
        )
    ]
    rows = min(len(run) for run in runs)
    return np.concatenate([run[:rows] for run in runs], axis=1).astype(np.float64)


def reference(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float64]:
    """Deviation and mean of the descriptors' windows: [windows, 260]."""
    return statistics(reference_descriptors(samples, rate_hz=rate_hz))


def statistics(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """Deviation and mean of 100 rows, every 50: [rows, 130] -> [windows, 260]."""
    windows = np.lib.stride_tricks.sliding_window_view(rows, 100, axis=0)[::50]
    both = np.stack([windows.std(axis=2), windows.mean(axis=2)], axis=2)
    return both.reshape(len(windows), -1)


def names() -> list[str]:
    """openSMILE's names of the 130."""
    import opensmile

    levels = (opensmile.FeatureLevel.LowLevelDescriptors, opensmile.FeatureLevel.LowLevelDescriptors_Deltas)
    runs = [opensmile.Smile(opensmile.FeatureSet.ComParE_2016, level).feature_names for level in levels]
    return [*runs[0], *runs[1]]


def apart(function: Callable[..., Result], *arguments: Any, **named: Any) -> Result:
    """What one of the functions above gives, computed in a fresh process."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        return process.submit(function, *arguments, **named).result()
