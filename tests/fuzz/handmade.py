"""Files of formats that nobody here writes: right heads, and noise where the sound would be."""

from __future__ import annotations

import struct
from collections.abc import Callable, Sequence

from numpy.random import Generator

_DSD_HZ = 2_822_400
_RATE_HZ = 44_100


def dsf(random: Generator) -> bytes:
    """DSD as Sony's DSF, two channels in blocks of 4096 bytes, 0.3 s."""
    blocks = 26
    body = random.bytes(2 * blocks * 4096)
    layout = struct.pack("<IIIIIIQII", 1, 0, 2, 2, _DSD_HZ, 1, blocks * 4096 * 8, 4096, 0)
    chunks = b"fmt " + struct.pack("<Q", 12 + len(layout)) + layout
    chunks += b"data" + struct.pack("<Q", 12 + len(body)) + body
    return b"DSD " + struct.pack("<QQQ", 28, 28 + len(chunks), 0) + chunks


def dff(random: Generator) -> bytes:
    """DSD as Philips' DSDIFF."""
    body = random.bytes(200_000)
    settings = b"FS  " + struct.pack(">QI", 4, _DSD_HZ)
    settings += b"CHNL" + struct.pack(">QH", 10, 2) + b"SLFTSRGT"
    settings += b"CMPR" + struct.pack(">Q", 20) + b"DSD \x0enot compressed\0"
    chunks = b"FVER" + struct.pack(">QI", 4, 0x01050000)
    chunks += b"PROP" + struct.pack(">Q", 4 + len(settings)) + b"SND " + settings
    chunks += b"DSD " + struct.pack(">Q", len(body)) + body
    return b"FRM8" + struct.pack(">Q", 4 + len(chunks)) + b"DSD " + chunks


def ape(random: Generator) -> bytes:
    """Monkey's Audio, version 3.99, of one frame."""
    frame = random.bytes(40_000)
    seek_table = struct.pack("<I", 80)
    descriptor = struct.pack(
        "<4sHHIIIIIII", b"MAC ", 3990, 0, 52, 24, len(seek_table), 0, len(frame), 0, 0
    ) + bytes(16)
    header = struct.pack("<HHIIIHHI", 2000, 0, 73_728 * 4, 60_000, 1, 16, 2, _RATE_HZ)
    return descriptor + header + seek_table + frame


def musepack(random: Generator) -> bytes:
    """Musepack, stream version 7."""
    head = b"MP+\x07" + struct.pack("<IIIIII", 40, 0x1F000000, 0, 0, 0, 0)
    return head + random.bytes(30_000)


def shorten(random: Generator) -> bytes:
    """Shorten, version 2."""
    return b"ajkg\x02" + random.bytes(30_000)


def tak(random: Generator) -> bytes:
    """TAK: its magic word and a block of stream information."""
    return b"tBaK\x01\x0a\x00\x00" + random.bytes(30_000)


def dts(random: Generator) -> bytes:
    """DTS: frames of 512 samples and 1006 bytes that begin as they should."""
    head = bytes.fromhex("7ffe8001fc3c3edb8d")
    return b"".join(head + random.bytes(1006 - len(head)) for _ in range(60))


def speex(random: Generator) -> bytes:
    """Speex in Ogg: its head, an empty comment, and packets of noise."""
    from tests.fuzz.ogg import mended

    head = b"Speex   " + b"1.2".ljust(20, b"\0")
    head += struct.pack("<iiiiiiiiiiiii", 1, 80, 16_000, 1, 4, 1, -1, 320, 0, 1, 0, 0, 0)
    comment = struct.pack("<II", 0, 0)
    packets = [head, comment, *(random.bytes(42) for _ in range(80))]
    return mended(b"".join(_page(packet, number) for number, packet in enumerate(packets)))


def _page(packet: bytes, number: int) -> bytes:
    first = 2 if number == 0 else 0
    granule = max(0, number - 1) * 320
    head = struct.pack("<4sBBqIII", b"OggS", 0, first, granule, 1, number, 0)
    return head + bytes([1, len(packet)]) + packet


Writer = Callable[[Generator], bytes]
HANDMADE: Sequence[tuple[str, str, Writer]] = (
    ("dsf", "dsf", dsf),
    ("dsdiff", "dff", dff),
    ("ape", "ape", ape),
    ("musepack", "mpc", musepack),
    ("shorten", "shn", shorten),
    ("tak", "tak", tak),
    ("dts", "dts", dts),
    ("speex", "spx", speex),
)
