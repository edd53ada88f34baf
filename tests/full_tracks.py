"""Stereo MP3s as long as tracks are: real clips joined where they are there, composed music without."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from tests.sounds import music

TRACK_S, RATE_HZ = 210, 44_100
_REAL = Path(__file__).resolve().parents[2] / "shared" / "data" / "moods4q" / "audio"
_CLIPS = 8
# The right channel hears some of the left a little later: with two equal channels an MP3 would be mono.
_LATER_SAMPLES, _LATER_SHARE = 600, 0.3


def source() -> str:
    """Of what the tracks are made here."""
    return "real clips, joined" if _REAL.is_dir() else "composed"


def write_full_tracks(folder: Path, count: int, *, seconds: int = TRACK_S) -> list[Path]:
    """So many MP3s of 44.1 kHz, 128 kbit/s, no two alike; those that lie there already are kept."""
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{index:03d}.mp3" for index in range(count)]
    for index, file in enumerate(files):
        if not file.exists():
            part = file.with_suffix(".part")
            write_mp3(part, sound(index, seconds=seconds))
            part.replace(file)
    return files


def sound(index: int, *, seconds: int = TRACK_S) -> NDArray[np.float32]:
    """Stereo samples [2, n] at 44.1 kHz."""
    wanted = seconds * RATE_HZ
    if not _REAL.is_dir():
        mono = music(seconds, rate_hz=RATE_HZ, seed=index)
    else:
        clips = sorted(_REAL.iterdir())
        places = range(_CLIPS * index, _CLIPS * (index + 1))
        pieces = [clip_samples(clips[place % len(clips)]) for place in places]
        mono = np.resize(np.concatenate(pieces), wanted)
    right = (1 - _LATER_SHARE) * mono + _LATER_SHARE * np.roll(mono, _LATER_SAMPLES)
    return np.stack([mono, right.astype(np.float32)])


def clip_samples(file: Path) -> NDArray[np.float32]:
    """Mono samples [n] of a file at 44.1 kHz."""
    samples, rate = soundfile.read(file, dtype="float32", always_2d=True)
    resampled: NDArray[np.float32] = soxr.resample(samples.mean(axis=1), rate, RATE_HZ)
    return resampled


def write_mp3(file: Path, samples: NDArray[np.float32], *, headers: bool = True) -> None:
    """Encode stereo samples [2, n] at 44.1 kHz; without headers, copies may stand one after another."""
    options = {} if headers else {"write_xing": "0", "id3v2_version": "0"}
    with av.open(str(file), "w", format="mp3", options=options) as container:
        stream = container.add_stream("libmp3lame", rate=RATE_HZ, layout="stereo")
        stream.bit_rate = 128_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate = RATE_HZ
        fifo = av.AudioFifo()
        fifo.write(frame)
        for block in fifo.read_many(1152, partial=True):
            container.mux(stream.encode(block))
        container.mux(stream.encode(None))
