"""The main job computed in memory, plainly: one track at a time, no blocks, no batches, no padding."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.bundle import Bundle
from models.registry import Role, architecture
from models.weights import set_weights
from transforms.features.images.window_image import window_images
from transforms.features.mel.crnn_logmel import crnn_logmel
from transforms.features.mel.mel_steps import mel_steps

RATE_HZ, CHUNK, HOP = 16_000, 320_000, 256


@dataclass(frozen=True, slots=True)
class Expected:
    """What the tables should say of one track: each [tags] or [steps]."""

    raw_score: NDArray[np.float64]
    score: NDArray[np.float64]
    disagreement: NDArray[np.float64]
    valence: NDArray[np.float64]
    arousal: NDArray[np.float64]
    valence_spread: NDArray[np.float64]
    decoded_s: float


def read(path: Path) -> NDArray[np.float32]:
    """Mono samples at 16 kHz: all at once, channels averaged."""
    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    channels = samples.shape[1]
    # In float32, as the job does: on near-silent bands the logarithm shows the last bit.
    mono: NDArray[np.float32] = samples @ np.full(channels, 1 / channels, np.float32)
    resampled: NDArray[np.float32] = mono if rate == RATE_HZ else soxr.resample(mono, rate, RATE_HZ)
    return resampled


class Oracle:
    """Keras models of a bundle, called directly on one window at a time."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._models = {}
        for member in bundle.members:
            model = architecture(member.architecture).build(member.settings)
            set_weights(model, bundle.weights(member), source=member.weights)
            self._models[member.name] = model

    def expect(self, samples: NDArray[np.float32]) -> Expected:
        """The rows of a track of at least three seconds whose last 20 s chunk is not below three."""
        scores = self._tag(samples)
        decisions = self._bundle.decisions
        raw = scores.mean(axis=0)
        curves = self._curves(samples)
        return Expected(
            raw_score=raw,
            score=expit(decisions.scale * logit(raw) + decisions.bias),
            disagreement=scores.std(axis=0),
            valence=curves[:, :, 0].mean(axis=0),
            arousal=curves[:, :, 1].mean(axis=0),
            valence_spread=curves[:, :, 0].std(axis=0),
            decoded_s=len(samples) / RATE_HZ,
        )

    def _tag(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of every tagger for a track: [taggers, tags]."""
        log_mel, images = crnn_logmel(samples), window_images(samples)
        total = np.zeros((0, 0))
        for start in range(0, len(samples), CHUNK):
            length = min(CHUNK, len(samples) - start)
            frames = log_mel[start // HOP : start // HOP + -(-length // HOP)]
            windows = images[start // RATE_HZ : start // RATE_HZ + _windows(len(frames))]
            rows = []
            for member in self._bundle.of_role(Role.TAGGER):
                values = frames if member.front_end.startswith("crnn") else windows
                inputs = [values[None], np.array([len(values)], np.int32)]
                rows.append(np.asarray(self._models[member.name](inputs, training=False))[0])
            weighted = np.array(rows, np.float64) * length / len(samples)
            total = weighted if not total.size else total + weighted
        return total

    def _curves(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Curves of every regressor over the whole track in one call: [regressors, steps, 2]."""
        steps = mel_steps(samples)[None]
        inside = np.ones(steps.shape[:2], bool)
        members = self._bundle.of_role(Role.REGRESSOR)
        curves = [
            np.asarray(self._models[member.name]([steps, inside], training=False))[0] for member in members
        ]
        return np.array(curves, np.float64)


def _windows(frames: int) -> int:
    """Windows of 62 frames, one begun each second (62.5 frames), inside so many frames."""
    count = 0
    while int(count * 62.5) + 62 <= frames:
        count += 1
    return count
