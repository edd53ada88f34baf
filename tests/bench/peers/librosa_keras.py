"""librosa's loading and spectra, our network by Keras's `predict`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.bench.network import mel_rows, network
from transforms.features.mel import step_mel
from transforms.features.mel.filter_bank import htk_filter_bank
from transforms.features.mel.magnitudes import BANDS, FFT_SAMPLES, HIGH_HZ, LOW_HZ, RATE_HZ, WINDOW_SAMPLES


def start() -> Callable[[Path], list[float]]:
    """A file to scores."""
    import librosa

    tag = network(predict=True)
    bank = htk_filter_bank(BANDS, fft_samples=FFT_SAMPLES, rate_hz=RATE_HZ, low_hz=LOW_HZ, high_hz=HIGH_HZ)

    def run(file: Path) -> list[float]:
        samples, _ = librosa.load(file, sr=RATE_HZ)
        # librosa puts the window into the middle of the transform; its first frame is to begin as ours does.
        lead = step_mel.LEAD_SAMPLES + (FFT_SAMPLES - WINDOW_SAMPLES) // 2
        spectrum = librosa.stft(
            np.pad(samples, (lead, FFT_SAMPLES)),
            n_fft=FFT_SAMPLES,
            win_length=WINDOW_SAMPLES,
            hop_length=step_mel.HOP_SAMPLES,
            center=False,
        )
        return tag(mel_rows((np.abs(spectrum).T @ bank).astype(np.float32)), len(samples))

    return run
