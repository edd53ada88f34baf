"""Random chunks of clips with the teacher's scores of the same seconds: what tagger students learn from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.training.teaching.yamnet import HOP_SAMPLES, PATCH_SAMPLES
from schemas.clock import CHUNK_S, MINIMUM_S, Chunk, ChunkPlan, to_samples, whole_track_chunks

RATE_HZ = 16_000
CHUNK_SAMPLES = to_samples(CHUNK_S, rate_hz=RATE_HZ)
PLAN = ChunkPlan(
    rate_hz=RATE_HZ,
    chunk_samples=CHUNK_SAMPLES,
    stride_samples=CHUNK_SAMPLES,
    minimum_samples=to_samples(MINIMUM_S, rate_hz=RATE_HZ),
    grid_samples=256,
)
# A batch has chunks of one length. Short ones cost less than half and say as much, so most are short.
SHORT_SAMPLES = 8 * RATE_HZ
SHORT_SHARE = 0.7
_LONG_SAMPLES = 45 * RATE_HZ  # clips from here on give two chunks an epoch


@dataclass(frozen=True, slots=True)
class Grid:
    """How a front end divides time: samples of one step, and the grid of starts that fall on steps.

    `masks` is the most steps and the most bands that one mask of the augmentation hides.
    """

    step_samples: int
    start_samples: int
    masks: tuple[int, int]


GRIDS = {
    "crnn-logmel@1": Grid(256, RATE_HZ // 2, (60, 8)),
    "window-image@1": Grid(RATE_HZ, RATE_HZ, (1, 12)),
}


@dataclass(frozen=True, slots=True)
class Recording:
    """One variant of a clip: features [steps, ...], its teacher's embeddings summed from the start on
    ([patches + 1, 1024] float32, zeros first) and its length."""

    features: NDArray[Any]
    summed: NDArray[np.float32]
    total_samples: int


def sum_embeddings(embeddings: NDArray[np.floating]) -> NDArray[np.float32]:
    """Embeddings [patches, values] -> their running sums [patches + 1, values], zeros first."""
    return np.cumsum(np.pad(embeddings.astype(np.float32), ((1, 0), (0, 0))), axis=0, dtype=np.float32)


def mean_embedding(summed: NDArray[np.float32], start: int, length: int) -> NDArray[np.float32]:
    """Mean over the patches that lie whole in samples [start, start + length): [values] float32."""
    first = -(-start // HOP_SAMPLES)
    last = min((start + length - PATCH_SAMPLES) // HOP_SAMPLES + 1, len(summed) - 1)
    first = min(first, last - 1)
    mean: NDArray[np.float32] = (summed[last] - summed[first]) / np.float32(last - first)
    return mean


Drawn = tuple[Recording, int, int]


@dataclass(slots=True)
class ChunkSource:
    """Batches of random chunks of `clips`, each a clip's variants; `teach` maps mean embeddings to scores.

    A batch is ((values, valid), (scores,)): values are zero from step `valid` on.
    """

    clips: Sequence[Sequence[Recording]]
    grid: Grid
    teach: Callable[[NDArray[np.float32]], NDArray[np.floating]]
    seed: int
    batch: int = 16
    _draws: list[int] = field(init=False)

    def __post_init__(self) -> None:
        long = [clip[0].total_samples >= _LONG_SAMPLES for clip in self.clips]
        self._draws = [place for place, twice in enumerate(long) for _ in range(1 + twice)]

    def steps(self) -> int:
        """Batches in an epoch; what is left over is left out."""
        return len(self._draws) // self.batch

    def epoch(self, number: int) -> Iterator[Any]:
        """Batches of one epoch, each clip once or twice in random order."""
        rng = np.random.default_rng([self.seed, number])
        lengths = np.where(rng.random(self.steps()) < SHORT_SHARE, SHORT_SAMPLES, CHUNK_SAMPLES).tolist()
        order = rng.permutation(self._draws)[: self.steps() * self.batch]
        drawn = [
            self._draw(self.clips[place], lengths[row // self.batch], rng) for row, place in enumerate(order)
        ]
        scores = self.teach(np.stack([mean_embedding(rec.summed, *at) for rec, *at in drawn]))
        for index in range(self.steps()):
            rows = slice(index * self.batch, (index + 1) * self.batch)
            values, valid = stack(drawn[rows], self.grid, samples=lengths[index])
            for value, count in zip(values, valid, strict=True):
                hide(value[:count], self.grid.masks, rng)
            yield (values, valid), (scores[rows].astype(np.float32),)

    def _draw(self, clip: Sequence[Recording], length: int, rng: np.random.Generator) -> Drawn:
        recording = clip[int(rng.integers(len(clip)))]
        length = min(length, recording.total_samples // RATE_HZ * RATE_HZ)
        starts = (recording.total_samples - length) // self.grid.start_samples + 1
        return recording, int(rng.integers(starts)) * self.grid.start_samples, length


def stack(
    drawn: Sequence[Drawn], grid: Grid, *, samples: int = CHUNK_SAMPLES
) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Chunks (recording, start, length) -> values [chunks, steps of `samples`, ...] and valid [chunks] int32.

    Levels come as float32, bytes stay bytes.
    """
    steps = -(-samples // grid.step_samples)
    kind = drawn[0][0].features
    values = np.zeros(
        (len(drawn), steps, *kind.shape[1:]), np.uint8 if kind.dtype == np.uint8 else np.float32
    )
    valid = np.zeros(len(drawn), np.int32)
    for row, (recording, start, length) in enumerate(drawn):
        first = start // grid.step_samples
        part = recording.features[first : first + -(-length // grid.step_samples)]
        values[row, : len(part)] = part
        valid[row] = len(part)
    return values, valid


def hide(values: NDArray[Any], most: tuple[int, int], rng: np.random.Generator) -> None:
    """Set a random run of steps and one of bands of [steps, bands, ...] to zero, in place.

    Park et al. (2019), SpecAugment; zero is the mean of a normalised band and the darkest pixel.
    """
    for axis, limit in enumerate(most):
        size = values.shape[axis]
        width = int(rng.integers(min(limit, size // 4) + 1))
        first = int(rng.integers(size - width + 1))
        values[(slice(None),) * axis + (slice(first, first + width),)] = 0


def track_chunks(recording: Recording, grid: Grid) -> tuple[list[Drawn], NDArray[np.float64]]:
    """Chunks that cover a track, as inference cuts it, and their shares of the track [chunks]."""
    chunks: list[Chunk] = whole_track_chunks(recording.total_samples, PLAN)
    shares = np.array([chunk.weight_samples for chunk in chunks], np.float64)
    drawn = [(recording, _on_step(chunk, grid), chunk.length_samples) for chunk in chunks]
    return drawn, shares / shares.sum()


def _on_step(chunk: Chunk, grid: Grid) -> int:
    return chunk.start_samples // grid.step_samples * grid.step_samples
