"""The main job computed in memory, plainly: one track at a time, no blocks, no batches, no padding."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.special import expit, logit

from models.bundle import Bundle
from models.bundle_members import Member
from models.encoders.mobile import PATCH_ROWS, MobileSettings
from models.registry import Role, Settings, architecture
from models.weights import set_weights
from transforms.features.images.window_image import window_images
from transforms.features.mel.crnn_logmel import crnn_logmel
from transforms.features.mel.mel_steps import mel_steps
from transforms.features.mel.step_mel import step_mel

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
            model = architecture(member.architecture).build(_of_one_patch(member))
            set_weights(model, bundle.weights(member), source=member.weights)
            self._models[member.name] = _called(model)

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
        members = self._bundle.of_role(Role.TAGGER)
        scores = [self._tag_summary(head, samples) for head in members if head.encoder]
        if others := [member for member in members if not member.encoder]:
            scores += list(self._tag_chunks(others, samples))
        return np.array(scores, np.float64)

    def _tag_summary(self, head: Member, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scores of a head for a track: [tags]."""
        rows = self._encoded(head, samples).astype(np.float64)
        summary = np.stack([rows.mean(axis=0), rows.std(axis=0)])[None].astype(np.float32)
        return self._run(head, summary, np.array([len(rows)], np.int32))

    def _tag_chunks(self, members: Sequence[Member], samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Scores of taggers on front ends for a track: [taggers, tags]."""
        log_mel, images = crnn_logmel(samples), window_images(samples)
        total = np.zeros((0, 0))
        for start in range(0, len(samples), CHUNK):
            length = min(CHUNK, len(samples) - start)
            frames = log_mel[start // HOP : start // HOP + -(-length // HOP)]
            windows = images[start // RATE_HZ : start // RATE_HZ + _windows(len(frames))]
            rows = []
            for member in members:
                values = frames if member.front_end.startswith("crnn") else windows
                rows.append(self._run(member, values[None], np.array([len(values)], np.int32)))
            weighted = np.array(rows, np.float64) * length / len(samples)
            total = weighted if not total.size else total + weighted
        return total

    def _curves(self, samples: NDArray[np.float32]) -> NDArray[np.float64]:
        """Curves of every voice of every regressor over the whole track in one call: [voices, steps, 2]."""
        curves = []
        for member in self._bundle.of_role(Role.REGRESSOR):
            rows = self._encoded(member, samples) if member.encoder else mel_steps(samples)
            said = self._run(member, rows[None], np.ones((1, len(rows)), bool))
            curves += [said[:, first : first + 2] for first in range(0, said.shape[1], 2)]
        return np.array(curves, np.float64)

    def _encoded(self, head: Member, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """Rows of a head's encoder, patch by patch, the last one with its rows over and over where the track
        ends inside it: [steps, values]."""
        encoder = self._bundle.encoder_of(head)
        assert encoder is not None
        rows = step_mel(samples)
        patches = [rows[first : first + PATCH_ROWS] for first in range(0, len(rows), PATCH_ROWS)]
        whole = [np.resize(patch, (1, PATCH_ROWS, *patch.shape[1:])) for patch in patches]
        inside = np.ones((1, PATCH_ROWS), bool)
        return np.concatenate([self._run(encoder, patch, inside) for patch in whole])[: len(rows)]

    def _run(
        self, member: Member, values: NDArray[np.generic], extent: NDArray[np.generic]
    ) -> NDArray[np.float32]:
        """Output of a member for a batch of one."""
        (output,) = np.asarray(self._models[member.name](values, extent))
        found: NDArray[np.float32] = output
        return found


def _called(model: Any) -> Callable[[Any, Any], Any]:
    """(values, extent) -> output of a model for a batch of one. Its layers are gone through once, for windows
    of any length where rows are vectors: a recurrent one takes a second for 20 s otherwise."""
    import tensorflow as tf

    def call(values: Any, extent: Any) -> Any:
        return model([values, extent], training=False)

    # Of an unknown number of images Keras's TimeDistributed makes other numbers than of one that is known.
    signature = [tf.TensorSpec((1, *each.shape[1:]), each.dtype) for each in model.inputs]
    any_length = len(model.inputs[0].shape) == 3
    function: Callable[[Any, Any], Any] = tf.function(call, input_signature=signature if any_length else None)
    return function


def _of_one_patch(member: Member) -> Settings:
    """Settings of a member; those of an encoder with one patch a call."""
    if isinstance(member.settings, MobileSettings):
        return replace(member.settings, rows=PATCH_ROWS)
    return member.settings


def _windows(frames: int) -> int:
    """Windows of 62 frames, one begun each second (62.5 frames), inside so many frames."""
    count = 0
    while int(count * 62.5) + 62 <= frames:
        count += 1
    return count
