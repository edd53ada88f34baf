"""Small whole files of every format that can be written here: what the fuzzer breaks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
from numpy.typing import NDArray

from tests.audio_files import by_ffmpeg, by_sndfile
from tests.fuzz.handmade import HANDMADE
from tests.fuzz.ogg import numbered
from tests.sounds import music

SECONDS = 3.2  # a little more than models need
_RATE_HZ = 44_100
# Real files that are taken as they are must be small: a case is to be read in milliseconds.
_MOST_BYTES = 300_000


@dataclass(frozen=True, slots=True)
class Seed:
    """A whole file: `format` names container and codec, `suffix` is what such files are called."""

    format: str
    suffix: str
    data: bytes


@dataclass(frozen=True, slots=True)
class _Written:
    """How a file is written: by which container and codec, at which rate, with how many channels."""

    suffix: str
    container: str
    codec: str | None = None
    rate_hz: int = _RATE_HZ
    channels: int = 2
    bit_rate: int | None = 128_000


_SNDFILE = (
    _Written("wav", "WAV", "PCM_16"),
    _Written("wav", "WAV", "PCM_24", 96_000),
    _Written("wav", "WAV", "PCM_U8", 11_025, 1),
    _Written("wav", "WAV", "FLOAT"),
    _Written("wav", "WAV", "DOUBLE", channels=6),
    _Written("wav", "WAV", "ULAW", 8_000, 1),
    _Written("wav", "WAV", "IMA_ADPCM"),
    _Written("wav", "WAV", "MS_ADPCM"),
    _Written("wav", "WAV", "GSM610", 8_000, 1),
    _Written("wav", "WAV", "G721_32", 8_000, 1),
    _Written("wav", "WAV", "NMS_ADPCM_16", 8_000, 1),
    _Written("wav", "WAVEX", "PCM_16", channels=8),
    _Written("wav", "NIST", "PCM_16", 16_000, 1),
    _Written("w64", "W64", "PCM_16"),
    _Written("wav", "RF64", "PCM_16"),
    _Written("aiff", "AIFF", "PCM_16"),
    _Written("aifc", "AIFF", "FLOAT"),
    _Written("aifc", "AIFF", "IMA_ADPCM"),
    _Written("caf", "CAF", "PCM_24"),
    _Written("caf", "CAF", "ALAC_16"),
    _Written("au", "AU", "PCM_16"),
    _Written("snd", "AU", "G723_24", 8_000, 1),
    _Written("voc", "VOC", "PCM_16"),
    _Written("flac", "FLAC", "PCM_16"),
    _Written("flac", "FLAC", "PCM_24", 192_000, 1),
    _Written("ogg", "OGG", "VORBIS"),
    _Written("opus", "OGG", "OPUS", 48_000),
    _Written("mp3", "MP3", "MPEG_LAYER_III"),
    _Written("mp3", "MP3", "MPEG_LAYER_III", 22_050, 1),
    _Written("paf", "PAF", "PCM_24"),
    _Written("svx", "SVX", "PCM_16", 8_000, 1),
    _Written("ircam", "IRCAM", "FLOAT"),
    _Written("xi", "XI", "DPCM_16", 8_000, 1),
    _Written("mat", "MAT5", "FLOAT"),
)
_FFMPEG = (
    _Written("m4a", "ipod", "aac"),
    _Written("m4a", "ipod", "alac", bit_rate=None),
    _Written("mov", "mov", "pcm_s24le", bit_rate=None),
    _Written("m4a", "ismv", "aac"),  # fragmented
    _Written("3gp", "3gp", "aac"),
    _Written("aac", "adts", "aac"),
    _Written("aac", "latm", "aac"),
    _Written("mpeg", "mpegts", "aac"),
    _Written("mpg", "mpeg", "mp2"),
    _Written("mp2", "mp2", "mp2"),
    _Written("wma", "asf", "wmav1"),
    _Written("wma", "asf", "wmav2"),
    _Written("mka", "matroska", "flac", bit_rate=None),
    _Written("mka", "matroska", "pcm_s16le", bit_rate=None),
    _Written("mkv", "matroska", "vorbis"),
    _Written("webm", "webm", "libopus", 48_000),
    _Written("ac3", "ac3", "ac3"),
    _Written("eac3", "eac3", "eac3"),
    _Written("wv", "wv", "wavpack", bit_rate=None),
    _Written("tta", "tta", "tta", bit_rate=None),
    _Written("oga", "oga", "flac", bit_rate=None),
    _Written("ogg", "ogg", "vorbis"),
    _Written("ra", "rm", "ac3"),
    _Written("rm", "rm", "real_144", 8_000, 1, 8_000),
    _Written("amr", "amr", "libopencore_amrnb", 8_000, 1, 12_200),
    _Written("avi", "avi", "libmp3lame"),
    _Written("flv", "flv", "aac"),
    _Written("wav", "wav", "aac"),
)


def composed_seeds() -> list[Seed]:
    """A file of each format from composed sound; the same bytes on every call."""
    return _of_every_format(music(SECONDS, rate_hz=_RATE_HZ), "") + [
        Seed(name, suffix, write(np.random.default_rng(1))) for name, suffix, write in HANDMADE
    ]


def real_seeds(clips: Sequence[NDArray[np.float32]], folder: Path) -> list[Seed]:
    """A file of each format from each clip (mono, 44,100 Hz), and the small files of a folder as they are."""
    made = [seed for clip in clips for seed in _of_every_format(clip[: round(SECONDS * _RATE_HZ)], " real")]
    small = [path for path in sorted(folder.rglob("*.*")) if 1_000 < path.stat().st_size < _MOST_BYTES]
    suffixes = {".flac", ".opus"}
    return made + [
        Seed(f"{path.suffix[1:]} as it is", path.suffix[1:], path.read_bytes())
        for path in small
        if path.suffix in suffixes
    ]


def _of_every_format(sound: NDArray[np.float32], note: str) -> list[Seed]:
    return [
        Seed(f"{kind.container} {kind.codec}{note}".lower(), kind.suffix, data)
        for kind, data in _written(sound)
    ]


def _written(sound: NDArray[np.float32]) -> Iterator[tuple[_Written, bytes]]:
    for kind in _SNDFILE:
        yield (
            kind,
            _fixed(by_sndfile(_channels(sound, kind), kind.rate_hz, kind.container, kind.codec)),
        )
    for kind in _FFMPEG:
        samples = _channels(sound, kind)
        yield (
            kind,
            by_ffmpeg(samples, kind.rate_hz, kind.container, kind.codec or "", bit_rate=kind.bit_rate),
        )


def _fixed(data: bytes) -> bytes:
    """A file of libsndfile's without what it has of the hour and of chance: the same on every call."""
    if data.startswith(b"OggS"):
        return numbered(data)
    begin = data.find(b"PEAK") + 12  # chunk, size, version, time
    return data if begin < 12 else data[:begin] + bytes(4) + data[begin + 4 :]


def _channels(sound: NDArray[np.float32], kind: _Written) -> NDArray[np.float32]:
    """The sound at a rate, each channel a little quieter than the one before: [n, channels]."""
    at_rate = sound if kind.rate_hz == _RATE_HZ else soxr.resample(sound, _RATE_HZ, kind.rate_hz)
    levels = 0.8 ** np.arange(kind.channels, dtype=np.float32)
    samples: NDArray[np.float32] = np.clip(at_rate[:, None] * levels, -1.0, 1.0)
    return samples
