"""`crnn-logmel` by librosa as its users run it; pinned numbers and edges are in test_front_ends.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.real import real_clips
from tests.references import crnn_logmel as by_librosa
from tests.sounds import music
from transforms.features.mel.crnn_logmel import crnn_logmel

RATE_HZ = 16_000


def test_log_mel_of_composed_music_is_librosas() -> None:
    for seconds in (0.3, 3.01, 20.0):
        samples = music(seconds)
        expected = by_librosa.reference(samples, rate_hz=RATE_HZ)
        np.testing.assert_allclose(crnn_logmel(samples), expected, rtol=0, atol=1e-4)


def test_log_mel_of_real_music_is_librosas(shared_data: Path) -> None:
    for samples in real_clips(shared_data, 40, rate_hz=RATE_HZ):
        expected = by_librosa.reference(samples.astype(np.float64), rate_hz=RATE_HZ)
        np.testing.assert_allclose(crnn_logmel(samples), expected, rtol=0, atol=1e-4)
