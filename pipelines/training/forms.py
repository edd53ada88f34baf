"""Other forms of the same music: how each is made of the samples of a file, as the bytes of a new file."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from schemas.clock import to_samples
from schemas.errors import DataError, FailureKind, Stage

Samples = NDArray[np.float32]  # [n] or [n, channels], full scale 1
Change = Callable[[Samples, int], bytes]


@dataclass(frozen=True, slots=True)
class Form:
    """One form: `change` makes the bytes of a file, in the container of that name, of samples and their
    rate in Hz; `begins_s` is the time in the original at which it begins."""

    container: str
    change: Change
    begins_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Coding:
    """A lossy codec at a constant bit rate, by FFmpeg's names; another rate than its own becomes the last."""

    codec: str
    container: str
    bits_a_second: int
    rates_hz: tuple[int, ...]
    options: Mapping[str, str]


def read_sound(path: Path) -> tuple[Samples, int]:
    """Samples of a file, [n] or [n, channels], and their rate in Hz, neither mixed nor resampled.

    Raises DataError(not_audio) for what libsndfile does not read.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32")
    except soundfile.LibsndfileError as error:
        raise DataError(FailureKind.NOT_AUDIO, Stage.DECODE, f"{path.name}: {error}") from error
    return samples, int(rate)


def as_it_is(samples: Samples, rate_hz: int) -> bytes:
    """WAV of 32 bit floats: the same samples."""
    return _wav(samples, rate_hz, "FLOAT")


def resampled(samples: Samples, rate_hz: int, *, to_hz: int) -> bytes:
    """WAV of 16 bit at another rate."""
    return _wav(_at_rate(samples, rate_hz, to_hz), to_hz, "PCM_16")


def mono(samples: Samples, rate_hz: int) -> bytes:
    """WAV of 32 bit floats, the mean over the channels."""
    return as_it_is(samples if samples.ndim == 1 else samples.mean(axis=1, dtype=np.float32), rate_hz)


def louder(samples: Samples, rate_hz: int, *, db: float) -> bytes:
    """WAV of 32 bit floats with a gain in dB; nothing is clipped."""
    return as_it_is(_gained(samples, db), rate_hz)


def clipped(samples: Samples, rate_hz: int, *, db: float) -> bytes:
    """WAV of 16 bit with a gain in dB, clipped at full scale."""
    return _wav(_gained(samples, db), rate_hz, "PCM_16")


def cut(samples: Samples, rate_hz: int, *, seconds: float) -> bytes:
    """WAV of 32 bit floats without the first seconds."""
    return as_it_is(samples[to_samples(seconds, rate_hz=rate_hz) :], rate_hz)


def coded(samples: Samples, rate_hz: int, *, coding: Coding) -> bytes:
    """A file of a lossy codec; more than two channels are averaged to one. The coder's delay stays."""
    import av

    rate = rate_hz if rate_hz in coding.rates_hz else coding.rates_hz[-1]
    sound = _at_rate(samples, rate_hz, rate).reshape(-1, 1 if samples.ndim == 1 else samples.shape[1])
    sound = sound if sound.shape[1] <= 2 else sound.mean(axis=1, dtype=np.float32, keepdims=True)
    layout = "mono" if sound.shape[1] == 1 else "stereo"
    file = io.BytesIO()
    with av.open(file, mode="w", format=coding.container) as container:
        stream = container.add_stream(coding.codec, rate=rate, layout=layout, options=dict(coding.options))
        stream.bit_rate = coding.bits_a_second
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(sound.T), format="fltp", layout=layout)
        frame.sample_rate = rate
        # The encoder takes frames of its own size and kind of sample.
        stream.codec_context.open()
        fitted = av.AudioResampler(stream.format.name, layout, rate, frame_size=stream.frame_size)
        for part in (*fitted.resample(frame), *fitted.resample(None), None):
            container.mux(stream.encode(part))
    return file.getvalue()


def _wav(samples: Samples, rate_hz: int, subtype: str) -> bytes:
    file = io.BytesIO()
    kept = samples if subtype == "FLOAT" else np.clip(samples, -1.0, 1.0)
    soundfile.write(file, kept, rate_hz, subtype=subtype, format="WAV")
    return file.getvalue()


def _at_rate(samples: Samples, rate_hz: int, to_hz: int) -> Samples:
    if rate_hz == to_hz:
        return samples
    other: Samples = soxr.resample(samples, rate_hz, to_hz, quality="HQ")
    return other


def _gained(samples: Samples, db: float) -> Samples:
    return samples * np.float32(10.0 ** (db / 20.0))


def _mp3(kbit: int) -> Change:
    rates = (16_000, 22_050, 24_000, 32_000, 48_000, 44_100)
    return partial(coded, coding=Coding("libmp3lame", "mp3", kbit * 1000, rates, {}))


def _opus(kbit: int) -> Change:
    rates = (8_000, 12_000, 16_000, 24_000, 48_000)
    return partial(coded, coding=Coding("libopus", "ogg", kbit * 1000, rates, {"vbr": "off"}))


ORIGINAL = Form("wav", as_it_is)
FORMS: Mapping[str, Form] = {
    "MP3 128 kbit/s": Form("mp3", _mp3(128)),
    "MP3 64 kbit/s": Form("mp3", _mp3(64)),
    "Opus 24 kbit/s": Form("ogg", _opus(24)),
    "16 kHz": Form("wav", partial(resampled, to_hz=16_000)),
    "mono": Form("wav", mono),
    "gain -12 dB": Form("wav", partial(louder, db=-12.0)),
    "gain +6 dB, clipped": Form("wav", partial(clipped, db=6.0)),
    "first 5 s cut": Form("wav", partial(cut, seconds=5.0), begins_s=5.0),
}
