"""One decoder process and its pipes: asked for one file after another, until it dies or is told to."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.protocol import FRAME, DecodeRequest, Message, most_bytes

_PIPE_BYTES = 1 << 20
_START_TIMEOUT_S = 60.0
_F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", None)
_KINDS = frozenset(Message)
_SAMPLE_BYTES = 4


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one track may take, and which module decodes it (another one in tests of faults)."""

    timeout_s: float = 120.0
    memory_mb: int = 2048
    max_duration_s: float = 6 * 3600.0
    child_module: str = "transforms.decoding.child"


class DecoderKilledError(DataError):
    """A decoder was killed by somebody else than its owner, such as the kernel when memory runs out."""


class DecoderProcess:
    """A process that decodes, started when this is made; RuntimeError where it does not start."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._requests, theirs = socket.socketpair()
        command = [sys.executable, "-m", limits.child_module, str(limits.memory_mb << 20)]
        # One thread a library: the pipeline already runs one worker a core.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                command,
                stdin=theirs.fileno(),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=environment,
                start_new_session=True,  # Ctrl-C is the owner's to handle
            )
        if self._process.stdout is None:
            raise RuntimeError("the decoder process has no pipe")
        self._replies = self._process.stdout.fileno()
        if _F_SETPIPE_SZ is not None:
            fcntl.fcntl(self._replies, _F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(self._replies, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._replies, selectors.EVENT_READ)
        self._wait_left_s = _START_TIMEOUT_S
        try:
            self._receive(most=0)  # READY
        except DecoderKilledError:
            self.kill()
            raise
        except DataError as error:
            # No track's fault: an installation that cannot decode fails the job, not every track.
            self.kill()
            raise RuntimeError(f"the decoder process did not start: {error.message}") from error
        self._idle = True

    @property
    def ready(self) -> bool:
        """Whether it waits for a file: done with the last one, and alive."""
        return self._idle and self._process.poll() is None

    def ask(self, request: DecodeRequest, file: BinaryIO) -> Iterator[NDArray[np.uint8]]:
        """Payloads of the answer: the header's, then the blocks'."""
        self._idle = False
        self._wait_left_s = self._limits.timeout_s
        try:
            socket.send_fds(self._requests, [json.dumps(asdict(request)).encode()], [file.fileno()])
        except (BrokenPipeError, ConnectionResetError):
            raise self._died() from None
        while True:
            message, payload = self._receive(most=most_bytes(request))
            if message is Message.END:
                self._idle = True
                return
            if message is Message.FAILURE:
                failure = json.loads(payload.tobytes())
                kind = FailureKind(failure["kind"])
                self._idle = kind is not FailureKind.DECODER_CRASH  # its last words
                raise DataError(kind, Stage.DECODE, failure["message"])
            yield payload

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        self._requests.close()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _receive(self, *, most: int) -> tuple[Message, NDArray[np.uint8]]:
        kind, length = FRAME.unpack(self._read(FRAME.size).data)
        # A library that writes beyond its memory may spoil what the process says, too.
        broken = kind not in _KINDS or length > most
        if broken or (kind == Message.BLOCK and length % _SAMPLE_BYTES):
            self._process.kill()
            raise _crash(f"the decoder sent {length:,} bytes of kind {kind}")
        return Message(kind), self._read(length)

    def _read(self, length: int) -> NDArray[np.uint8]:
        """So many bytes, waiting no longer than what is left of the track's time."""
        buffer = np.empty(length, np.uint8)
        view, done = buffer.data, 0
        while done < length:
            try:
                count = os.readv(self._replies, [view[done:]])
            except BlockingIOError:
                self._wait()
                continue
            if not count:
                raise self._died()
            done += count
        return buffer

    def _wait(self) -> None:
        begin = time.monotonic()
        ready = self._selector.select(max(0.0, self._wait_left_s))
        self._wait_left_s -= time.monotonic() - begin
        if not ready:
            self._process.kill()
            message = f"no answer from the decoder within {self._limits.timeout_s:g} s"
            raise DataError(FailureKind.DECODER_TIMEOUT, Stage.DECODE, message)

    def _died(self) -> DataError:
        # Its pipe is closed, so it is about to end; one that does not is not waited for.
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(1.0)
        killed = self._process.returncode == -signal.SIGKILL
        self._process.kill()
        code = self._process.wait()
        reason = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        message = f"the decoder ended with {reason}"
        if killed:
            return DecoderKilledError(FailureKind.DECODER_CRASH, Stage.DECODE, message)
        return _crash(message)


def _crash(message: str) -> DataError:
    return DataError(FailureKind.DECODER_CRASH, Stage.DECODE, message)
