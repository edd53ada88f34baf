"""A decoder process that dies, hangs or talks nonsense on files that ask for it, and decodes any other."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path
from typing import BinaryIO

from transforms.decoding import child
from transforms.decoding.protocol import FRAME, DecodeRequest, Message


def _misbehave(descriptor: int, replies: BinaryIO) -> None:
    head = Path(f"/dev/fd/{descriptor}").read_bytes()[:5]
    if head == b"crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if head == b"raise":
        raise ZeroDivisionError("as a library might")
    if head == b"kind?":
        replies.write(FRAME.pack(99, 4))
    if head == b"long?":
        replies.write(FRAME.pack(Message.BLOCK, 0xFFFFFFF0))
    if head == b"odd??":
        replies.write(FRAME.pack(Message.BLOCK, 3))
    if head.startswith(b"hang"):
        while True:
            time.sleep(1.0)


if __name__ == "__main__":
    _serve = child.serve

    def serve(request: DecodeRequest, descriptor: int, replies: BinaryIO) -> None:
        """Misbehave first, if the file asks for it."""
        _misbehave(descriptor, replies)
        _serve(request, descriptor, replies)

    child.serve = serve
    child.main()
