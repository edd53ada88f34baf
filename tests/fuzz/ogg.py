"""Ogg pages with their checksums made right: what is changed inside one reaches the decoder behind it."""

from __future__ import annotations

from collections.abc import Iterator

_MAGIC = b"OggS"
_SERIAL, _CHECKSUM, _SEGMENTS = 14, 22, 26
_POLYNOMIAL = 0x04C11DB7


def _table() -> list[int]:
    table = []
    for value in range(256):
        remainder = value << 24
        for _ in range(8):
            remainder = (remainder << 1) ^ (_POLYNOMIAL if remainder >> 31 else 0)
            remainder &= 0xFFFFFFFF
        table.append(remainder)
    return table


_TABLE = _table()


def mended(data: bytes) -> bytes:
    """The same pages with the checksums of what they hold now."""
    return b"".join(_with_checksum(page) for page in _pages(data))


def numbered(data: bytes) -> bytes:
    """The same stream with the serial number 1, whatever random one it was given."""
    number = (1).to_bytes(4, "little")
    return mended(
        b"".join(
            page[:_SERIAL] + number + page[_SERIAL + 4 :] if page.startswith(_MAGIC) else page
            for page in _pages(data)
        )
    )


def _pages(data: bytes) -> Iterator[bytes]:
    """From each capture pattern to the next, and what comes before the first."""
    begin = 0
    while (end := data.find(_MAGIC, begin + 1)) > 0:
        yield data[begin:end]
        begin = end
    yield data[begin:]


def _with_checksum(page: bytes) -> bytes:
    """A page whose head is whole, with its own checksum; anything else as it is."""
    if not page.startswith(_MAGIC) or len(page) <= _SEGMENTS:
        return page
    size = _SEGMENTS + 1 + page[_SEGMENTS]
    size += sum(page[_SEGMENTS + 1 : size])
    blank = page[:_CHECKSUM] + bytes(4) + page[_CHECKSUM + 4 :]
    remainder = 0
    for byte in blank[:size]:
        remainder = ((remainder << 8) & 0xFFFFFFFF) ^ _TABLE[(remainder >> 24) ^ byte]
    return blank[:_CHECKSUM] + remainder.to_bytes(4, "little") + blank[_CHECKSUM + 4 :]
