"""Files that are worse than they look: few bytes of much sound, and heads that declare what is not there."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import numpy as np

from tests.audio_files import by_ffmpeg, by_sndfile
from tests.fuzz.ogg import mended
from tests.sounds import music

SOUND_S = 3.5
_RATE_HZ = 44_100
_HUGE = 1 << 62
_FLAC_BLOCK = 65_535
_FLAC_RATE_HZ = 2_000


def flac_of_one_value(seconds: float) -> bytes:
    """FLAC at 2 kHz of one value of a quarter of full scale: 15 bytes for each half a minute."""
    frames = int(np.ceil(seconds * _FLAC_RATE_HZ / _FLAC_BLOCK))
    packed = _FLAC_RATE_HZ << 44 | 15 << 36 | frames * _FLAC_BLOCK  # 1 channel, 16 bit
    info = struct.pack(">HH", _FLAC_BLOCK, _FLAC_BLOCK) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    head = b"fLaC" + bytes([0x80, 0, 0, len(info)]) + info
    return head + b"".join(map(_flac_frame, range(frames)))


def huge_heads() -> Mapping[str, bytes]:
    """A little music in many formats, under heads that declare centuries of it."""
    mono = music(SOUND_S, rate_hz=_RATE_HZ)[:, None]
    stereo = np.repeat(mono, 2, axis=1)
    wav, rf64, w64, aiff, flac, au, caf, mp3 = (
        by_sndfile(mono, _RATE_HZ, name)
        for name in ("WAV", "RF64", "W64", "AIFF", "FLAC", "AU", "CAF", "MP3")
    )
    m4a = by_ffmpeg(stereo, _RATE_HZ, "ipod", "aac")
    mka = by_ffmpeg(stereo, _RATE_HZ, "matroska", "flac", bit_rate=None)
    ogg = by_ffmpeg(stereo, _RATE_HZ, "ogg", "vorbis")
    most = struct.pack(">I", 0xFFFFFFFF)
    return {
        "wav": _put(wav, (4, b"\xff" * 4), (wav.index(b"data") + 4, b"\xff" * 4)),
        "rf64": _put(rf64, (rf64.index(b"ds64") + 8, struct.pack("<QQQ", _HUGE, _HUGE, _HUGE // 2))),
        "w64": _put(w64, (w64.index(b"data") + 16, struct.pack("<Q", _HUGE))),
        "aiff": _put(aiff, (aiff.index(b"COMM") + 10, most), (aiff.index(b"SSND") + 4, most)),
        "flac": _put(flac, (21, bytes([flac[21] | 0x0F]) + b"\xff" * 4)),
        "au": _put(au, (8, b"\x7f" + b"\xff" * 3)),
        "caf": _put(caf, (caf.index(b"data") + 4, struct.pack(">q", _HUGE))),
        "mp3": _put(mp3, (mp3.index(b"Xing") + 8, most * 2)),
        "m4a, its times": _put(
            m4a, *((m4a.index(name) + at, most) for name, at in ((b"mvhd", 20), (b"mdhd", 20)))
        ),
        "m4a, its table": _put(m4a, (m4a.index(b"stsz") + 12, most), (m4a.index(b"stts") + 12, most)),
        "mka": _put(mka, (mka.index(b"\x44\x89\x88") + 3, struct.pack(">d", 1e300))),
        "ogg": mended(_put(ogg, (ogg.rindex(b"OggS") + 6, struct.pack("<q", _HUGE)))),
    }


def _put(data: bytes, *places: tuple[int, bytes]) -> bytes:
    """The data with other bytes at these places."""
    values = bytearray(data)
    for at, new in places:
        values[at : at + len(new)] = new
    return bytes(values)


def _flac_frame(number: int) -> bytes:
    """A frame of a block of one value: a head with its checksum, a constant subframe, a checksum."""
    # Block size and rate come in 16 bits each at the head's end; mono, 16 bit.
    head = b"\xff\xf8\x7d\x08" + chr(number).encode() + struct.pack(">HH", _FLAC_BLOCK - 1, _FLAC_RATE_HZ)
    head += bytes([_checksum(head, bits=8, polynomial=0x07)])
    frame = head + b"\x00" + struct.pack(">h", 8_192)
    return frame + struct.pack(">H", _checksum(frame, bits=16, polynomial=0x8005))


def _checksum(data: bytes, *, bits: int, polynomial: int) -> int:
    top, remainder = 1 << bits, 0
    for byte in data:
        remainder ^= byte << (bits - 8)
        for _ in range(8):
            remainder <<= 1
            if remainder & top:
                remainder ^= top | polynomial
    return remainder
