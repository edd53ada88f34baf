"""What can happen to a file: pure functions of a random generator, its bytes and those of another file."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping

import numpy as np
from numpy.random import Generator

from tests.fuzz.ogg import mended

Mutation = Callable[[Generator, bytes, bytes], bytes]

_HEAD = 512  # where most formats have their heads
_EXTREMES = (
    0,
    1,
    2,
    0x7F,
    0xFF,
    0x7FFF,
    0xFFFF,
    1_000_000,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    (1 << 63) - 1,
)


def truncated(random: Generator, data: bytes, _: bytes) -> bytes:
    """Cut anywhere."""
    return data[: int(random.integers(1, len(data)))]


def only_a_head(random: Generator, data: bytes, _: bytes) -> bytes:
    """Cut within the head."""
    return data[: int(random.integers(1, min(_HEAD, len(data))))]


def flipped_bits(random: Generator, data: bytes, _: bytes) -> bytes:
    """Up to a thousand bits, anywhere."""
    values = np.frombuffer(data, np.uint8).copy()
    count = int(2 ** random.uniform(0, 10))
    places = random.integers(0, len(values), count)
    np.bitwise_xor.at(values, places, (1 << random.integers(0, 8, count)).astype(np.uint8))
    return values.tobytes()


def random_bytes(random: Generator, data: bytes, _: bytes) -> bytes:
    """A range of noise."""
    begin, end = _range(random, data)
    return data[:begin] + random.bytes(end - begin) + data[end:]


def zeros(random: Generator, data: bytes, _: bytes) -> bytes:
    """A range of zeros, as a disk leaves that lost a block."""
    begin, end = _range(random, data)
    return data[:begin] + bytes(end - begin) + data[end:]


def spliced(random: Generator, data: bytes, other: bytes) -> bytes:
    """The beginning of one file, the end of another."""
    return data[: int(random.integers(1, len(data)))] + other[int(random.integers(0, len(other))) :]


def chained(_: Generator, data: bytes, other: bytes) -> bytes:
    """One whole file after another."""
    return data + other


def inserted(random: Generator, data: bytes, other: bytes) -> bytes:
    """A piece of another file within this one."""
    at = int(random.integers(0, len(data)))
    begin, end = _range(random, other)
    return data[:at] + other[begin:end] + data[at:]


def swapped_blocks(random: Generator, data: bytes, _: bytes) -> bytes:
    """Two neighbouring ranges in the other order."""
    first, second, third = sorted(int(place) for place in random.integers(0, len(data), 3))
    return data[:first] + data[second:third] + data[first:second] + data[third:]


def repeated_block(random: Generator, data: bytes, _: bytes) -> bytes:
    """A range up to 30 times over."""
    begin, end = _range(random, data)
    return data[:end] + data[begin:end] * int(random.integers(1, 30)) + data[end:]


def lost_block(random: Generator, data: bytes, _: bytes) -> bytes:
    """A range left out."""
    begin, end = _range(random, data)
    return data[:begin] + data[end:]


def absurd_field(random: Generator, data: bytes, _: bytes) -> bytes:
    """Up to four numbers of the head with extreme values, of any width and order of bytes."""
    values = bytearray(data)
    for _count in range(int(random.integers(1, 5))):
        width = int(random.choice([1, 2, 4, 8]))
        value = int(_EXTREMES[int(random.integers(len(_EXTREMES)))]) % (1 << 8 * width)
        at = int(random.integers(0, max(1, min(_HEAD, len(data)) - width)))
        values[at : at + width] = value.to_bytes(width, str(random.choice(["little", "big"])))  # type: ignore[arg-type]
    return bytes(values[: len(data)])


def noisy_head(random: Generator, data: bytes, _: bytes) -> bytes:
    """Some bytes of the head, each anything."""
    values = bytearray(data)
    for _count in range(int(random.integers(1, 12))):
        values[int(random.integers(0, min(_HEAD, len(data))))] = int(random.integers(256))
    return bytes(values)


def id3_before(random: Generator, data: bytes, _: bytes) -> bytes:
    """An ID3v2 tag in front whose sizes say anything."""
    size = int(random.choice([0, 10, 1000, (1 << 28) - 1, int(random.integers(1 << 28))]))
    sizes = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    version, flags = int(random.choice([2, 3, 4, 255])), int(random.integers(256))
    frame = b"APIC" + struct.pack(">IH", int(random.choice([1, 500, 0x7FFFFFFF, 0xFFFFFFFF])), 0)
    body = frame + random.bytes(int(random.integers(0, 2000)))
    return b"ID3" + bytes([version, 0, flags]) + sizes + body + data


def tags_after(random: Generator, data: bytes, _: bytes) -> bytes:
    """ID3v1 and APE tags at the end, whose sizes say anything."""
    size, items = (int(random.choice([0, 32, 1000, 0x7FFFFFFF, 0xFFFFFFFF])) for _ in range(2))
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, size, items, int(random.integers(1 << 32))) + bytes(8)
    return data + random.bytes(40) + ape + b"TAG" + random.bytes(125)


def junk_before(random: Generator, data: bytes, _: bytes) -> bytes:
    """Noise or zeros in front."""
    size = int(2 ** random.uniform(0, 17))
    return (random.bytes(size) if random.random() < 0.5 else bytes(size)) + data


def mended_pages(random: Generator, data: bytes, other: bytes) -> bytes:
    """Bits flipped, and the checksums of Ogg pages made right again: what is flipped there is decoded."""
    return mended(flipped_bits(random, data, other))


def as_it_is(_: Generator, data: bytes, __: bytes) -> bytes:
    """Nothing: a whole file is read whole."""
    return data


MUTATIONS: Mapping[str, Mutation] = {
    mutation.__name__: mutation
    for mutation in (
        truncated,
        only_a_head,
        flipped_bits,
        random_bytes,
        zeros,
        spliced,
        chained,
        inserted,
        swapped_blocks,
        repeated_block,
        lost_block,
        absurd_field,
        noisy_head,
        id3_before,
        tags_after,
        junk_before,
        mended_pages,
        as_it_is,
    )
}


def _range(random: Generator, data: bytes) -> tuple[int, int]:
    """A range of any size, small ones as often as large ones."""
    size = int(2 ** random.uniform(0, np.log2(max(2, len(data)))))
    begin = int(random.integers(0, max(1, len(data) - size)))
    return begin, min(len(data), begin + size)
