"""Regressor students: random sections of clips, their mean valence and arousal, and the teacher's curve."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.ensemble import compiled
from models.training.metrics import pearson_columns

_LEAST_STEPS, _MOST_STEPS = 40, 60
TEACHER_WEIGHT = 4.0
_MOST_TILT = 3.0 / 80.0  # of the 80 dB that a value of one spans


@dataclass(frozen=True, slots=True)
class Steps:
    """One variant of a clip: mel steps [steps, 192], the teacher's curve [steps, 2] and the label [2], all
    float32; the label is NaN where the set has none."""

    values: NDArray[np.float32]
    curve: NDArray[np.float32]
    label: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Truth:
    """Variance of the labels over the training clips: [2] float32, the unit of both losses."""

    variance: NDArray[np.float32]


def truth_of(clips: Iterable[Steps]) -> Truth:
    """Variance of the labels of the clips that have one."""
    labels = np.stack([clip.label for clip in clips])
    return Truth(np.nanvar(labels, axis=0).astype(np.float32))


@dataclass(slots=True)
class CurveSource:
    """Batches of sections of clips, each clip a list of variants; the clips are drawn with replacement once.

    A batch is ((values [batch, 60, 192], inside [batch, 60]), (label [batch, 2], curve [batch, 60, 2])).
    """

    clips: Sequence[Sequence[Steps]]
    seed: int
    batch: int = 32
    _own: NDArray[np.int64] = field(init=False)

    def __post_init__(self) -> None:
        self._own = np.random.default_rng(self.seed).integers(len(self.clips), size=len(self.clips))

    def steps(self) -> int:
        """Batches in an epoch; what is left over is left out."""
        return len(self._own) // self.batch

    def epoch(self, number: int) -> Iterator[Any]:
        """Batches of one epoch: every clip of the draw, in random order."""
        rng = np.random.default_rng([self.seed, number])
        order = rng.permutation(self._own)
        for index in range(self.steps()):
            rows = order[index * self.batch : (index + 1) * self.batch]
            yield pack([_section(self.clips[place], rng) for place in rows], steps=_MOST_STEPS)


def _section(variants: Sequence[Steps], rng: np.random.Generator) -> Steps:
    clip = variants[int(rng.integers(len(variants)))]
    length = min(int(rng.integers(_LEAST_STEPS, _MOST_STEPS + 1)), len(clip.values))
    first = int(rng.integers(len(clip.values) - length + 1))
    rows = slice(first, first + length)
    return Steps(_another_master(clip.values[rows], rng), clip.curve[rows], clip.label)


def _another_master(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """The same steps as another codec and another equaliser would leave them: values [steps, 192].

    The training clips are Opus at 24 kbit/s, whose artefacts raise the rise of every band by a tenth: a net
    that takes it at its word hears calm in everything that is coded better. Tilts of up to 3 dB stand for
    other masters, a little more or less unevenness for other rooms.
    """
    means, deviations, rises = np.split(values, 3, axis=1)
    low, high = rng.uniform(-_MOST_TILT, _MOST_TILT, 2)
    tilt = np.linspace(float(low), float(high), means.shape[1], dtype=np.float32)
    uneven, coded = rng.uniform(0.9, 1.1), rng.uniform(0.7, 1.05)
    changed = [np.clip(means + tilt, 0.0, 1.0), deviations * np.float32(uneven), rises * np.float32(coded)]
    return np.concatenate(changed, axis=1)


def pack(sections: Sequence[Steps], *, steps: int) -> Any:
    """Sections of up to `steps` steps as one batch, zeros after each section's end."""
    values = np.zeros((len(sections), steps, sections[0].values.shape[1]), np.float32)
    curve = np.zeros((len(sections), steps, 2), np.float32)
    inside = np.zeros((len(sections), steps), bool)
    for row, section in enumerate(sections):
        count = len(section.values)
        values[row, :count], curve[row, :count], inside[row, :count] = section.values, section.curve, True
    return (values, inside), (np.stack([section.label for section in sections]), curve)


def curve_loss(truth: Truth) -> Callable[[Any, Any, Any], Any]:
    """Squared error of the section's mean against the label, and of each step against the teacher's curve.

    Both in units of the labels' variance. A section is told from its padding by the teacher's curve, which is
    zero only there.
    """
    import tensorflow as tf

    def loss(output: Any, label: Any, curve: Any) -> Any:
        inside = tf.cast(tf.reduce_any(curve != 0.0, axis=-1, keepdims=True), tf.float32)
        mean = tf.reduce_sum(output * inside, axis=1) / tf.reduce_sum(inside, axis=1)
        known = tf.math.logical_not(tf.math.is_nan(label))
        squares = tf.square(mean - tf.where(known, label, tf.zeros_like(label))) / truth.variance
        share = tf.cast(known, tf.float32)
        clips = tf.reduce_sum(squares * share) / tf.maximum(tf.reduce_sum(share), 1.0)
        steps = (
            tf.reduce_sum(tf.square(output - curve) / truth.variance * inside) / tf.reduce_sum(inside) / 2.0
        )
        return clips + TEACHER_WEIGHT * steps

    return loss


def mean_curves(forward: Callable[[Any, Any], Any], clips: Sequence[Steps]) -> NDArray[np.float64]:
    """Mean of each clip's curve: [clips, 2]. Clips go through one by one, whole."""
    rows = []
    for clip in clips:
        (values, inside), _ = pack([clip], steps=-(-len(clip.values) // 20) * 20)
        rows.append(np.asarray(forward(values, inside))[0, : len(clip.values)].mean(axis=0, dtype=np.float64))
    return np.stack(rows)


def curve_score(clips: Sequence[Steps]) -> Callable[[Any], float]:
    """Measure of a model: mean correlation of the clips' means with the labels and with the teacher's means.

    There are few labels on validation; the teacher, who has an opinion on every clip, steadies the choice.
    """
    labelled = np.array([np.isfinite(clip.label).all() for clip in clips])
    truth = np.stack([clip.label for clip in clips])
    teacher = np.stack([clip.curve.mean(axis=0) for clip in clips])
    held: dict[int, Any] = {}

    def score(model: Any) -> float:
        predicted = mean_curves(held.setdefault(id(model), compiled(model)), clips)
        labels = pearson_columns(predicted[labelled], truth[labelled])
        return float(np.mean([labels, pearson_columns(predicted, teacher)]))

    return score
