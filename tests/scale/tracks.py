"""Many short tracks of little audio: slices of MP3 frames, each with a tag of its own, no two alike."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice, product
from pathlib import Path

import av
import numpy as np

from tests.sounds import music

_RATE_HZ = 22_050
_BASES, _BASE_S = 8, 90
# MPEG-2 layer III: 576 samples a frame, so about 3.1 s.
_FRAMES = (118, 119, 120, 121, 122)
_FOLDER_TRACKS = 1_000


def write_tracks(folder: Path, count: int) -> Path:
    """Tracks of 3.1 s under a folder, a thousand in each folder of it; those that are there are kept."""
    for index, data in enumerate(islice(_slices(), count)):
        file = folder / f"{index // _FOLDER_TRACKS:04d}" / f"{index:06d}.mp3"
        if not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(_tag(f"Track {index}") + data)
    return folder


def _slices() -> Iterator[bytes]:
    """Runs of frames of one base after another, from each frame on, in each length."""
    bases = [_frames(seed) for seed in range(_BASES)]
    for first in range(min(map(len, bases)) - max(_FRAMES)):
        for frames, length in product(bases, _FRAMES):
            yield b"".join(frames[first : first + length])


def _frames(seed: int) -> list[bytes]:
    """MP3 frames of composed audio that use no bits of the frames before them."""
    generator = np.random.default_rng(seed)
    samples = music(_BASE_S, rate_hz=_RATE_HZ, seed=seed) * generator.uniform(0.5, 1.0)
    samples = np.roll(samples, int(generator.integers(len(samples))))
    frames = []
    codec = av.CodecContext.create("libmp3lame", "w")
    codec.sample_rate, codec.layout, codec.format, codec.bit_rate = _RATE_HZ, "mono", "fltp", 48_000
    codec.options = {"reservoir": "0"}
    for begin in range(0, len(samples) - 576, 576):
        block = av.AudioFrame.from_ndarray(samples[None, begin : begin + 576], format="fltp", layout="mono")
        block.sample_rate = _RATE_HZ
        frames += [bytes(packet) for packet in codec.encode(block)]
    return frames


def _tag(title: str) -> bytes:
    """An ID3v2.3 tag with a title."""
    text = b"\0" + title.encode("latin-1")
    frame = b"TIT2" + len(text).to_bytes(4, "big") + b"\0\0" + text
    return b"ID3\x03\0\0" + len(frame).to_bytes(4, "big") + frame
