"""Audio files to mono blocks at a wanted rate: libsndfile first, FFmpeg for what it does not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import BinaryIO

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray

from transforms.decoding.audio_format import AudioFormat, Blocks
from transforms.decoding.ffmpeg import open_ffmpeg
from transforms.decoding.sndfile import open_sndfile


def open_audio(file: BinaryIO) -> tuple[AudioFormat, Blocks]:
    """Format of a seekable file and its mono blocks, each (rate in Hz, float32 [n]).

    Channels are averaged. Raises DataError: not_audio where no decoder knows the bytes, no_audio where
    there is no audio stream, corrupt for impossible parameters. The blocks end, without an error, where
    the rest of a damaged file cannot be decoded.
    """
    try:
        return open_sndfile(file)
    except soundfile.LibsndfileError:
        file.seek(0)
        return open_ffmpeg(file)


def resample(blocks: Blocks, rate_hz: int) -> Iterator[NDArray[np.float32]]:
    """Blocks of any rates -> float32 blocks at `rate_hz`; a change of rate inside a file is followed."""
    stream: soxr.ResampleStream | None = None
    current = 0
    for rate, block in blocks:
        if rate != current:
            if stream is not None:
                yield stream.resample_chunk(np.zeros(0, np.float32), last=True)
            current = rate
            stream = None if rate == rate_hz else soxr.ResampleStream(rate, rate_hz, 1, quality="HQ")
        yield block if stream is None else stream.resample_chunk(block)
    if stream is not None:
        yield stream.resample_chunk(np.zeros(0, np.float32), last=True)


def regroup(blocks: Iterable[NDArray[np.float32]], block_samples: int) -> Iterator[NDArray[np.float32]]:
    """The same samples in blocks of one length; only the last may be shorter."""
    pending: list[NDArray[np.float32]] = []
    held = 0
    for block in blocks:
        pending.append(block)
        held += len(block)
        if held >= block_samples:
            joined = np.concatenate(pending)
            whole = held - held % block_samples
            yield from (joined[at : at + block_samples] for at in range(0, whole, block_samples))
            pending, held = [joined[whole:]], held - whole
    if held:
        yield np.concatenate(pending)
