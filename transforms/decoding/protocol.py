"""What a decoder process and its owner say to each other.

owner  -> child   over a socket, in one message: DecodeRequest as JSON and the descriptor of the file
child  -> owner   over a pipe: HEADER json · BLOCK float32 samples, any number · END, or FAILURE json
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum

FRAME = struct.Struct("<BI")
# More than any request, header or failure.
TEXT_BYTES = 1 << 16


class Message(IntEnum):
    """Kinds of messages from the child."""

    READY = 1
    HEADER = 2
    BLOCK = 3
    END = 4
    FAILURE = 5


@dataclass(frozen=True, slots=True)
class DecodeRequest:
    """One file to decode: the wanted rate (None: its own), the length of blocks, how long it may be."""

    rate_hz: int | None
    block_samples: int
    max_duration_s: float
    alarm_s: int


def most_bytes(request: DecodeRequest) -> int:
    """Bytes of the longest message that can answer it."""
    return max(TEXT_BYTES, request.block_samples * 4)
