"""openSMILE's ComParE descriptors of a track, without any model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path


def start() -> Callable[[Path], list[float]]:
    """A file to the means of its descriptors."""
    import opensmile
    import soundfile

    smile = opensmile.Smile(
        feature_set=opensmile.FeatureSet.ComParE_2016,
        feature_level=opensmile.FeatureLevel.LowLevelDescriptors,
    )

    def run(file: Path) -> list[float]:
        samples, rate_hz = soundfile.read(file, dtype="float32", always_2d=True)
        frame = smile.process_signal(samples.mean(axis=1), rate_hz)
        return [float(value) for value in frame.mean()]

    return run
