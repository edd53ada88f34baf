"""What libsndfile reads: WAV and its kin, FLAC, AIFF, Ogg, MP3."""

from __future__ import annotations

import re
from typing import BinaryIO

import numpy as np
import soundfile
from numpy.typing import NDArray

from transforms.decoding.audio_format import AudioFormat, Blocks, audio_format, average

_BLOCK_VALUES = 1 << 19  # frames times channels read at once
# libsndfile mends a chunk that is longer than its file and says so in its log.
_MENDED = re.compile(r"^\s*(?:data|SSND|bdat)\s*: (\d+) \(should be (\d+)\)", re.MULTILINE)


def open_sndfile(file: BinaryIO) -> tuple[AudioFormat, Blocks]:
    """Format and blocks of a file at its beginning; LibsndfileError where FFmpeg should be tried.

    DataError(corrupt) for impossible parameters.
    """
    sound = soundfile.SoundFile(file.fileno(), closefd=False)
    audio = _format(sound)
    first = sound.read(_BLOCK_VALUES // audio.channels, dtype="float32", always_2d=True)
    if audio.declared_s is None or not len(first):
        # Formats that change in mid-file and streams without a length: FFmpeg follows them better.
        raise soundfile.LibsndfileError(0, prefix="no length or no first block")
    return audio, _blocks(sound, audio.sample_rate_hz, first)


def _format(sound: soundfile.SoundFile) -> AudioFormat:
    rate = int(sound.samplerate)
    declared = sound.frames / rate if 0 < sound.frames < 1 << 60 and rate > 0 else None
    if declared and (mended := _MENDED.search(sound.extra_info)) and int(mended[2]):
        declared *= int(mended[1]) / int(mended[2])
    codec = "flac" if sound.format == "FLAC" else str(sound.subtype).lower()
    return audio_format(sample_rate_hz=rate, channels=int(sound.channels), codec=codec, declared_s=declared)


def _blocks(sound: soundfile.SoundFile, rate: int, block: NDArray[np.float32]) -> Blocks:
    frames = len(block)
    while len(block):
        yield rate, average(block)
        try:
            block = sound.read(frames, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:
            return
