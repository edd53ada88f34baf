"""`compare-lld`: FS1 and FS2 of Coutinho et al. (2015), from openSMILE's ComParE_2016 descriptors.

FS1: standard deviation and mean over 1 s of 65 low-level descriptors and their deltas, 260 values at 2 Hz.
FS2: FS1 and four psychoacoustic values. Row k describes the second from k * .5 s on, as in openSMILE's own
windows and in DEAM's files, whose names and order these are (openSMILE 3 says `mfcc_sma` where those have
`pcm_fftMag_mfcc_sma`). The rate is 44.1 kHz, that of the paper's music: the descriptors depend on it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_samples
from transforms.features.descriptors import psychoacoustics
from transforms.features.descriptors.opensmile_engine import (
    TERMS,
    descriptors,
    opensmile_version,
    statistics,
)
from transforms.features.descriptors.short_frames import RATE_HZ
from transforms.features.front_end import FrontEnd, Layout
from transforms.features.samples import check_samples, refusal

VALUES = ("fs1", "fs2", "lld")
STEP_S = 0.5
LLD_STEP_S = 0.01

# The first frame is of 60 ms; a window has the frames that begin in its second.
_LEAST_LLD = to_samples(0.06, rate_hz=RATE_HZ)
_LEAST_WINDOW = to_samples(1.04, rate_hz=RATE_HZ)

_VOICE = ("F0final", "voicingFinalUnclipped", "jitterLocal", "jitterDDP", "shimmerLocal", "logHNR")
_SUMS = ("audspec_lengthL1norm", "audspecRasta_lengthL1norm", "pcm_RMSenergy", "pcm_zcr")
_SPECTRAL = ("fband250-650", "fband1000-4000", *(f"spectralRollOff{share}.0" for share in (25, 50, 75, 90)))
_MOMENTS = ("Flux", "Centroid", "Entropy", "Variance", "Skewness", "Kurtosis", "Slope")


@dataclass(frozen=True, slots=True)
class CompareSettings:
    """Which values a row has: fs1 (260 at 2 Hz), fs2 (264 at 2 Hz) or lld (130 every 10 ms)."""

    values: str = "fs1"

    def __post_init__(self) -> None:
        if self.values not in VALUES:
            raise refusal(f"values is {self.values!r}; it must be one of {', '.join(VALUES)}")


def compare_lld(
    samples: NDArray[np.float32], *, rate_hz: int, settings: CompareSettings = CompareSettings()
) -> NDArray[np.float32]:
    """Samples [n] float32 at 44.1 kHz -> [rows, 260], [rows, 264] or [rows, 130] float32, as settings say.

    Raises DataError(bad_input), also where openSMILE is not installed, and DataError(too_short) below 1.04 s
    (.06 s for lld).
    """
    least = _LEAST_LLD if settings.values == "lld" else _LEAST_WINDOW
    check_samples(samples, rate_hz=rate_hz, wanted_hz=RATE_HZ, minimum_samples=least)
    if settings.values == "lld":
        return descriptors(samples, rate_hz=rate_hz)
    windows = statistics(samples, rate_hz=rate_hz)
    if settings.values == "fs1":
        return windows
    four = psychoacoustics.psychoacoustics(samples, rate_hz=rate_hz)
    return np.concatenate([windows, four[: len(windows)]], axis=1)


def descriptor_names(*, deam: bool) -> tuple[str, ...]:
    """Names of the 65 descriptors and their deltas, as DEAM's files or as openSMILE 3 has them: [130]."""
    cepstrum = "pcm_fftMag_mfcc" if deam else "mfcc"
    spectral = (*_SPECTRAL, *(f"spectral{name}" for name in _MOMENTS), "psySharpness", "spectralHarmonicity")
    names = []
    for suffix in ("_sma", "_sma_de"):
        names += [f"{name}{suffix}" for name in (*_VOICE, *_SUMS)]
        names += [f"audSpec_Rfilt{suffix}[{band}]" for band in range(26)]
        names += [f"pcm_fftMag_{name}{suffix}" for name in spectral]
        names += [f"{cepstrum}{suffix}[{number}]" for number in range(1, 15)]
    return tuple(names)


def _layout(settings: CompareSettings) -> Layout:
    if settings.values == "lld":
        return Layout(descriptor_names(deam=False), step_s=LLD_STEP_S)
    names = tuple(f"{name}_{kind}" for name in descriptor_names(deam=True) for kind in ("stddev", "amean"))
    return Layout(names + psychoacoustics.NAMES if settings.values == "fs2" else names, step_s=STEP_S)


FRONT_END = FrontEnd(
    name="compare-lld",
    version=1,
    about="ComParE descriptors by openSMILE, FS1 and FS2 of Coutinho 2015; needs the extra `opensmile`",
    rate_hz=RATE_HZ,
    presets={values: CompareSettings(values) for values in VALUES},
    layout=_layout,
    start=lambda settings: partial(compare_lld, settings=settings),
    needs=lambda _: {"opensmile": opensmile_version()},
    terms=TERMS,
)
