"""The owner of a decoder process: a crash, a hang or a bomb costs that track and nothing else."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind, Stage
from transforms.decoding.audio import AudioFormat
from transforms.decoding.protocol import FRAME, DecodeRequest, Message

_PIPE_BYTES = 1 << 20
_START_TIMEOUT_S = 60.0
_F_SETPIPE_SZ = getattr(fcntl, "F_SETPIPE_SZ", None)


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What one track may take, and which module decodes it (another one in tests of faults)."""

    timeout_s: float = 120.0
    memory_mb: int = 2048
    max_duration_s: float = 6 * 3600.0
    child_module: str = "transforms.decoding.child"


class DecodedAudio:
    """A track being decoded: its format and the rate of its samples, then its blocks, once."""

    def __init__(self, audio: AudioFormat, rate_hz: int, blocks: Iterator[NDArray[np.float32]]) -> None:
        self.format = audio
        self.rate_hz = rate_hz
        self._blocks = blocks
        self.total_samples = 0

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        """Blocks of float32 samples at the wanted rate; raises DataError if the decoder fails."""
        for block in self._blocks:
            self.total_samples += len(block)
            yield block


class SandboxedDecoder:
    """Decodes files one after another in a process of its own, started anew when it dies.

    Use as a context manager or call `close`. Not for use by two threads at once.
    """

    def __init__(self, limits: DecodeLimits, *, block_samples: int) -> None:
        self._limits = limits
        self._block_samples = block_samples
        self._child: _Child | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            self._child.kill()
            self._child = None

    def decode(self, data: bytes, *, rate_hz: int | None) -> DecodedAudio:
        """Start to decode the bytes of a file, to samples at a rate or (None) at its own.

        Raises DataError, here or from the blocks: what `open_audio` raises, too_long, decoder_crash with
        the signal, decoder_timeout, decoder_memory. A track that is not read to its end costs a restart.
        """
        if self._child is None or not self._child.ready:
            self.close()
            self._child = _Child(self._limits)
        request = DecodeRequest(
            rate_hz=rate_hz,
            block_samples=self._block_samples,
            max_duration_s=self._limits.max_duration_s,
            alarm_s=round(self._limits.timeout_s) + 60,
        )
        messages = self._child.ask(request, data)
        audio = AudioFormat(**json.loads(next(messages).tobytes()))
        blocks = (payload.view(np.float32) for payload in messages)
        return DecodedAudio(audio, rate_hz or audio.sample_rate_hz, blocks)


class _Child:
    """One decoder process and its pipes."""

    def __init__(self, limits: DecodeLimits) -> None:
        self._limits = limits
        self._file = _shared_file()
        command = [sys.executable, "-m", limits.child_module]
        arguments = [str(self._file), str(limits.memory_mb << 20)]
        # One thread a library: the pipeline already runs one worker a core.
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            command + arguments,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=[self._file],
            env=environment,
            start_new_session=True,  # Ctrl-C is the owner's to handle
        )
        if self._process.stdout is None or self._process.stdin is None:
            raise RuntimeError("the decoder process has no pipes")
        self._requests, self._replies = self._process.stdin, self._process.stdout.fileno()
        if _F_SETPIPE_SZ is not None:
            fcntl.fcntl(self._replies, _F_SETPIPE_SZ, _PIPE_BYTES)
        os.set_blocking(self._replies, False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._replies, selectors.EVENT_READ)
        self._wait_left_s = _START_TIMEOUT_S
        try:
            self._receive()  # READY
        except DataError as error:
            # No track's fault: an installation that cannot decode fails the job, not every track.
            self.kill()
            raise RuntimeError(f"the decoder process did not start: {error.message}") from error
        self._idle = True

    @property
    def ready(self) -> bool:
        """Whether it waits for a file: done with the last one, and alive."""
        return self._idle and self._process.poll() is None

    def ask(self, request: DecodeRequest, data: bytes) -> Iterator[NDArray[np.uint8]]:
        """Payloads of the answer: the header's, then the blocks'."""
        self._idle = False
        self._wait_left_s = self._limits.timeout_s
        _fill(self._file, data)
        try:
            self._requests.write(json.dumps(asdict(request)).encode() + b"\n")
            self._requests.flush()
        except BrokenPipeError:
            raise self._died() from None
        while True:
            message, payload = self._receive()
            if message is Message.END:
                self._idle = True
                return
            if message is Message.FAILURE:
                self._idle = True
                failure = json.loads(payload.tobytes())
                raise DataError(FailureKind(failure["kind"]), Stage.DECODE, failure["message"])
            yield payload

    def kill(self) -> None:
        """End the process, whatever it does."""
        self._process.kill()
        self._process.wait()
        self._selector.close()
        with contextlib.suppress(BrokenPipeError):  # a request that a dead process did not take
            self._requests.close()
        if self._process.stdout is not None:
            self._process.stdout.close()
        os.close(self._file)

    def _receive(self) -> tuple[Message, NDArray[np.uint8]]:
        kind, length = FRAME.unpack(self._read(FRAME.size).data)
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
        code = self._process.wait()
        reason = signal.Signals(-code).name if code < 0 else f"exit status {code}"
        return DataError(FailureKind.DECODER_CRASH, Stage.DECODE, f"the decoder ended with {reason}")


def _shared_file() -> int:
    """Descriptor of a file without a name that two processes can read: in memory where there is a way."""
    if hasattr(os, "memfd_create"):
        return os.memfd_create("moodscribe-track")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _fill(descriptor: int, data: bytes) -> None:
    os.ftruncate(descriptor, 0)
    view: memoryview[Any] = memoryview(data)
    offset = 0
    while offset < len(data):
        offset += os.pwrite(descriptor, view[offset : offset + (1 << 30)], offset)
