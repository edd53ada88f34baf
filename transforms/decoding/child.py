"""The decoder process: decodes one file after another, whose descriptors it is sent, until nobody asks.

Run as `python -m transforms.decoding.child MEMORY_BYTES`. It may crash, hang or run out of memory: its
owner sees that and starts another.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import sys
from dataclasses import asdict
from typing import BinaryIO

import numpy as np

from schemas.clock import to_samples
from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.audio import open_audio, regroup, resample
from transforms.decoding.protocol import FRAME, TEXT_BYTES, DecodeRequest, Message
from transforms.parent import end_with_parent


def main() -> None:
    """Serve requests from the socket that is standard input; answers go to what was standard output."""
    end_with_parent()
    memory_bytes = int(sys.argv[1])
    replies = _take_standard_output()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    sys.excepthook = lambda _, error, __: _send_last_words(replies, error)
    _send(replies, Message.READY, b"")
    with socket.socket(fileno=0) as requests:
        while True:
            text, descriptors, _, _ = socket.recv_fds(requests, TEXT_BYTES, 1)
            if not text:
                return
            request = DecodeRequest(**json.loads(text))
            # An orphan in a hung decoder must end too: the kernel's alarm needs no help from Python.
            signal.alarm(request.alarm_s)
            serve(request, descriptors[0], replies)
            signal.alarm(0)


def serve(request: DecodeRequest, descriptor: int, replies: BinaryIO) -> None:
    """Decode the file in `descriptor`, close it, and send its messages."""
    try:
        with os.fdopen(descriptor, "rb") as file:
            file.seek(0)
            _decode(request, file, replies)
    except DataError as error:
        _send_failure(replies, error)
    except MemoryError:
        message = "the decoder ran into its memory limit"
        _send_failure(replies, DataError(FailureKind.DECODER_MEMORY, Stage.DECODE, message))


def _decode(request: DecodeRequest, file: BinaryIO, replies: BinaryIO) -> None:
    audio, native = open_audio(file)
    _send(replies, Message.HEADER, json.dumps(asdict(audio)).encode())
    rate_hz = request.rate_hz or audio.sample_rate_hz
    limit = to_samples(request.max_duration_s, rate_hz=rate_hz)
    total = 0
    for block in regroup(resample(native, rate_hz), request.block_samples):
        total += len(block)
        if total > limit:
            message = f"longer than {request.max_duration_s:g} s"
            raise DataError(FailureKind.TOO_LONG, Stage.DECODE, message)
        _send(replies, Message.BLOCK, block.view(np.uint8).data)
        signal.alarm(request.alarm_s)  # anew for each block: the owner may take its time over them
    if not total:
        raise DataError(FailureKind.CORRUPT, Stage.DECODE, f"no sample of this {audio.codec} file decodes")
    _send(replies, Message.END, b"")


def _send(replies: BinaryIO, message: Message, payload: bytes | memoryview) -> None:
    replies.write(FRAME.pack(message, len(payload)))
    while len(payload):  # without a buffer of its own, a pipe takes what it has room for
        payload = payload[replies.write(payload) :]


def _send_failure(replies: BinaryIO, error: DataError) -> None:
    _send(replies, Message.FAILURE, json.dumps({"kind": error.kind, "message": error.message}).encode())


def _send_last_words(replies: BinaryIO, error: BaseException) -> None:
    """Say which exception ends this process: no file should raise one, and whoever meets it wants to know."""
    message = f"the decoder ended with {type(error).__name__}: {error}"[:1000]
    _send_failure(replies, DataError(FailureKind.DECODER_CRASH, Stage.DECODE, message))


def _take_standard_output() -> BinaryIO:
    """Keep the pipe for messages, and let libraries that print do so into nothing."""
    replies = os.fdopen(os.dup(1), "wb", buffering=0)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    return replies


if __name__ == "__main__":
    main()
