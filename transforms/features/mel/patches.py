"""Log-mel patches of AudioSet's models: 96 frames of 64 bands, which `vggish` and `yamnet` share.

Frames of 25 ms every 10 ms, no padding -> the bands of `magnitudes` -> ln(mel + offset) (Hershey et al. 2017,
"CNN architectures for large-scale audio classification", section 3, and the public code of the models).

    frame j   samples [160 j, 160 j + 400)
    patch k   frames  [hop k, hop k + 96), so 15,600 samples from sample 160 hop k on
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from schemas.clock import to_seconds
from transforms.features.front_end import Layout
from transforms.features.mel.magnitudes import BANDS, BLOCK_FRAMES, RATE_HZ, WINDOW_SAMPLES, MelMagnitudes
from transforms.features.samples import check_samples, refusal

HOP_SAMPLES = 160
PATCH_FRAMES = 96
PATCH_SAMPLES = (PATCH_FRAMES - 1) * HOP_SAMPLES + WINDOW_SAMPLES


@dataclass(frozen=True, slots=True)
class PatchSettings:
    """How a track is cut into patches: `hop_frames` of 10 ms from patch to patch, `offset` inside the
    logarithm, and whether silence fills the last patch (`pad_end`) or what is over is left out."""

    hop_frames: int
    offset: float
    pad_end: bool

    def __post_init__(self) -> None:
        if self.hop_frames < 1:
            raise refusal(f"hop_frames is {self.hop_frames}; it must be at least 1")
        # The logarithm of silence is that of the offset, which single precision must hold.
        if not 1e-30 <= self.offset <= 1e30:
            raise refusal(f"offset is {self.offset}; it must lie in [1e-30, 1e30]")

    @property
    def hop_samples(self) -> int:
        """From the first sample of a patch to that of the next."""
        return self.hop_frames * HOP_SAMPLES


def log_mel_patches(
    samples: NDArray[np.float32], *, rate_hz: int, settings: PatchSettings
) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> [patches, 96, 64] float32, in natural logarithms.

    Raises DataError(bad_input) for what is not samples, and DataError(too_short) below one patch
    (15,600 samples) unless `pad_end` fills it.
    """
    minimum = 1 if settings.pad_end else PATCH_SAMPLES
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ, minimum_samples=minimum)
    count = patch_count(len(samples), settings)
    wanted = (count - 1) * settings.hop_samples + PATCH_SAMPLES
    if wanted > len(samples):
        samples = np.pad(samples, (0, wanted - len(samples)))
    levels = log_mel(samples[:wanted], offset=settings.offset)
    # Rows of neighbours overlap in memory until they are copied; without an overlap there is no copy.
    windows = sliding_window_view(levels, PATCH_FRAMES, axis=0, writeable=True)[:: settings.hop_frames]
    return np.ascontiguousarray(windows.transpose(0, 2, 1))


def patch_count(total_samples: int, settings: PatchSettings) -> int:
    """Patches of a track: the whole ones, and with `pad_end` the one that the end of the track cuts."""
    over = max(0, total_samples - PATCH_SAMPLES)
    hops = -(-over // settings.hop_samples) if settings.pad_end else over // settings.hop_samples
    return hops + 1


def log_mel(samples: NDArray[np.float32], *, offset: float) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz, n >= 400 -> ln(mel + offset) [(n - 400) // 160 + 1, 64] float32."""
    room = MelMagnitudes(HOP_SAMPLES)
    mel = np.empty(((len(samples) - WINDOW_SAMPLES) // HOP_SAMPLES + 1, BANDS), np.float32)
    for start in range(0, len(mel), BLOCK_FRAMES):
        room.hold(samples[start * HOP_SAMPLES :])
        room.fill(mel[start : start + BLOCK_FRAMES])
    mel += np.float32(offset)
    return np.log(mel, out=mel)


def patch_layout(settings: PatchSettings) -> Layout:
    """Rows of [96, 64], one for each hop."""
    names = tuple(f"frame_{frame}_mel_{band}" for frame in range(PATCH_FRAMES) for band in range(BANDS))
    step_s = to_seconds(settings.hop_samples, rate_hz=RATE_HZ)
    return Layout(names, step_s=step_s, shape=(PATCH_FRAMES, BANDS))
