"""`vggish`: what Hershey et al. (2017) give to VGGish, patches of .96 s side by side, ln(mel + .01)."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from transforms.features.front_end import FrontEnd
from transforms.features.mel.magnitudes import RATE_HZ
from transforms.features.mel.patches import PATCH_FRAMES, PatchSettings, log_mel_patches, patch_layout

VGGISH = PatchSettings(hop_frames=PATCH_FRAMES, offset=0.01, pad_end=False)


def vggish(
    samples: NDArray[np.float32], *, rate_hz: int, settings: PatchSettings = VGGISH
) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> patches [(n - 240) // 15360, 96, 64] float32; no patch for what
    is left at the end. Raises DataError(bad_input), and DataError(too_short) below 15,600 samples."""
    return log_mel_patches(samples, rate_hz=rate_hz, settings=settings)


FRONT_END = FrontEnd(
    name="vggish",
    version=1,
    about="log-mel patches of VGGish (Hershey et al. 2017): 96 frames of 10 ms, 64 bands, every .96 s",
    rate_hz=RATE_HZ,
    presets={"default": VGGISH},
    layout=patch_layout,
    start=lambda settings: partial(vggish, settings=settings),
)
