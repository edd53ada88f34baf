"""`yamnet`: what Google's YAMNet takes, patches of .96 s every .48 s, ln(mel + .001).

The published model fills the last patch with silence, so that every sample is heard and the shortest track
has a patch; the preset `whole` leaves that patch out, as one does who cuts the track for the one-patch
TensorFlow Lite model.
"""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray

from transforms.features.front_end import FrontEnd
from transforms.features.mel.magnitudes import RATE_HZ
from transforms.features.mel.patches import PATCH_FRAMES, PatchSettings, log_mel_patches, patch_layout

YAMNET = PatchSettings(hop_frames=PATCH_FRAMES // 2, offset=0.001, pad_end=True)
WHOLE = PatchSettings(hop_frames=PATCH_FRAMES // 2, offset=0.001, pad_end=False)


def yamnet(
    samples: NDArray[np.float32], *, rate_hz: int, settings: PatchSettings = YAMNET
) -> NDArray[np.float32]:
    """Samples [n] float32 at 16 kHz -> patches [1 + ceil(max(0, n - 15600) / 7680), 96, 64] float32.

    Raises DataError(bad_input), and DataError(too_short) below 15,600 samples where `pad_end` is off.
    """
    return log_mel_patches(samples, rate_hz=rate_hz, settings=settings)


FRONT_END = FrontEnd(
    name="yamnet",
    version=1,
    about="log-mel patches of YAMNet (AudioSet): 96 frames of 10 ms, 64 bands, every .48 s",
    rate_hz=RATE_HZ,
    presets={"default": YAMNET, "whole": WHOLE},
    layout=patch_layout,
    start=lambda settings: partial(yamnet, settings=settings),
)
