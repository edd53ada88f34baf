"""The encoder's training: crops of clips towards what the teacher hears in the same seconds.

rows of `step-mel`   | patch 0  | patch 1  | ...      1.5 s each
teacher's patches    |-|-|      |-|-|                 .96 s from each half second on: the mean of two
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.encoders.mobile import PATCH_ROWS
from models.ensemble import compiled

Half = NDArray[np.float16]

OFFSET = 0.001  # what `step-mel` adds before it takes the logarithm
# The least deviation that a value of the teacher's is measured in: below it, it tells next to nothing.
_LEAST_SPREAD = 0.1
_HUBER = 3.0
_KNOTS, _TILT_DB, _GAIN_DB = 7, 2.0, 0.5


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """One variant of a clip: rows [steps, 32, 64] and what the teacher heard from each on [steps, 1024]."""

    rows: Half
    heard: Half


def patch_targets(heard: NDArray[np.floating]) -> NDArray[np.float32]:
    """What the teacher heard [3 n, values] -> of each patch [n, values]: the mean of its first two."""
    patches = heard.reshape(-1, PATCH_ROWS, heard.shape[-1])[:, :2]
    targets: NDArray[np.float32] = patches.mean(axis=1, dtype=np.float32)
    return targets


@dataclass(frozen=True, slots=True)
class Crops:
    """Batches of random crops of `clips`, each a clip's variants: of `rows`, every clip `times` an epoch.

    A batch is ((values [batch, rows, 32, 64], inside [batch, rows]), (targets [batch, patches, values],)).
    """

    clips: Sequence[Sequence[Heard]]
    seed: int
    rows: int
    times: int
    batch: int

    def steps(self) -> int:
        """Batches in an epoch; what is left over is left out."""
        return len(self.clips) * self.times // self.batch

    def epoch(self, number: int) -> Iterator[Any]:
        """Batches of one epoch; every clip is drawn once before any is drawn again."""
        rng = np.random.default_rng([self.seed, number])
        order = np.concatenate([rng.permutation(len(self.clips)) for _ in range(self.times)])
        for index in range(self.steps()):
            places = order[index * self.batch : (index + 1) * self.batch]
            crops = [self._crop(self.clips[place], rng) for place in places]
            values = another_master(np.stack([rows for rows, _ in crops]).astype(np.float32), rng)
            targets = np.stack([patch_targets(heard) for _, heard in crops])
            yield (values, np.ones(values.shape[:2], bool)), (targets,)

    def _crop(self, variants: Sequence[Heard], rng: np.random.Generator) -> tuple[Half, Half]:
        clip = variants[int(rng.integers(len(variants)))]
        steps = min(len(clip.rows), len(clip.heard))
        first = int(rng.integers(max(1, steps - self.rows + 1)))
        # A clip shorter than a crop is heard again from its start.
        wanted = np.arange(first, first + self.rows) % steps
        return clip.rows[wanted], clip.heard[wanted]


def another_master(values: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Log-mels [batch, rows, frames, bands] as another equaliser would leave them: a smooth random gain over
    the bands, of a few dB, for each item."""
    items, bands = len(values), values.shape[-1]
    knots = rng.normal(0.0, _TILT_DB, (items, _KNOTS))
    places = np.linspace(0.0, _KNOTS - 1.0, bands)
    gains_db = np.stack([np.interp(places, np.arange(_KNOTS), own) for own in knots])
    gains_db += rng.normal(0.0, _GAIN_DB, (items, 1))
    gains = (10.0 ** (gains_db / 20.0)).astype(np.float32)[:, None, None]
    mel = np.maximum(np.exp(values) - np.float32(OFFSET), 0.0)
    changed: NDArray[np.float32] = np.log(mel * gains + np.float32(OFFSET))
    return changed


def spread_of(clips: Sequence[Sequence[Heard]]) -> NDArray[np.float32]:
    """Deviation of each of the teacher's values over the first variants of clips, [values], not below .1."""
    sample = np.concatenate([clip[0].heard[::4] for clip in clips]).astype(np.float32)
    return np.asarray(np.maximum(sample.std(axis=0), _LEAST_SPREAD), np.float32)


def imitation_loss(spread: NDArray[np.float32]) -> Callable[[Any, Any], Any]:
    """Mean Huber loss of a patch's values in units of their spread: one gone wild does not rule the batch."""
    import tensorflow as tf

    def loss(rows: Any, targets: Any) -> Any:
        error = tf.abs((rows[:, ::PATCH_ROWS] - targets) / spread)
        inner = tf.minimum(error, _HUBER)
        return tf.reduce_mean(inner * (error - 0.5 * inner))

    return loss


def encode(
    run: Callable[[Any, Any], Any], rows: NDArray[np.floating], *, at_once: int
) -> NDArray[np.float32]:
    """A track through an encoder that takes `at_once` rows a call: [steps, 32, 64] -> [steps, values]."""
    calls = -(-len(rows) // at_once)
    spare = calls * at_once - len(rows)
    values = np.pad(rows.astype(np.float32), [(0, spare), (0, 0), (0, 0)])
    inside = np.arange(calls * at_once) < len(rows)
    outputs = [
        np.asarray(run(values[first : first + at_once][None], inside[first : first + at_once][None]))[0]
        for first in range(0, calls * at_once, at_once)
    ]
    return np.concatenate(outputs)[: len(rows)]


def likeness(clips: Sequence[Heard], *, rows: int) -> Callable[[Any], float]:
    """Measure of an encoder: correlation of its clip means with the teacher's, both less their mean clip."""
    theirs = _centred([clip.heard.mean(axis=0, dtype=np.float32) for clip in clips])
    held: dict[int, Any] = {}

    def score(model: Any) -> float:
        run = held.setdefault(id(model), compiled(model))
        mine = _centred([encode(run, clip.rows, at_once=rows).mean(axis=0) for clip in clips])
        return float(np.corrcoef(mine.ravel(), theirs.ravel())[0, 1])

    return score


def _centred(means: Sequence[NDArray[np.float32]]) -> NDArray[np.float32]:
    stacked = np.stack(means)
    centred: NDArray[np.float32] = stacked - stacked.mean(axis=0)
    return centred


def warmed_cosine(part: float) -> float:
    """Share of the rate at a part of a phase: up over the first twentieth, then down on a cosine."""
    rise = min(1.0, part / 0.05 + 0.02)
    return float(rise * (0.02 + 0.98 * (0.5 + 0.5 * np.cos(np.pi * part))))


def variants_of(arrays: Mapping[str, Half], names: Sequence[str]) -> list[Heard]:
    """Variants of a clip by name from what `prepare` keeps; without an ear of its own, a variant is to be
    heard like the first."""
    first = arrays[f"heard.{names[0]}"]
    return [Heard(arrays[f"rows.{name}"], arrays.get(f"heard.{name}", first)) for name in names]
