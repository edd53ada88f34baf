"""The owner of a decoder process: a crash, a hang or a bomb costs that track and nothing else."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Self

import numpy as np
from numpy.typing import NDArray

from transforms.decoding.audio_format import AudioFormat
from transforms.decoding.decoder_process import DecodeLimits, DecoderKilledError, DecoderProcess
from transforms.decoding.protocol import DecodeRequest

_ATTEMPTS = 2

__all__ = ["DecodeLimits", "DecodedAudio", "SandboxedDecoder", "memory_file"]


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
        self._process: DecoderProcess | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process = None

    def decode(self, file: BinaryIO, *, rate_hz: int | None) -> DecodedAudio:
        """Start to decode an open file, to samples at a rate or (None) at its own.

        The process is handed the file's descriptor: nothing is copied, and where in it the descriptor
        stands is lost. Raises DataError, here or from the blocks: what `open_audio` raises, too_long,
        decoder_crash with the signal, decoder_timeout, decoder_memory. A track that is not read to its
        end costs a restart.
        """
        request = DecodeRequest(
            rate_hz=rate_hz,
            block_samples=self._block_samples,
            max_duration_s=self._limits.max_duration_s,
            alarm_s=round(self._limits.timeout_s) + 60,
        )
        messages = self._ask(request, file)
        audio = AudioFormat(**json.loads(next(messages).tobytes()))
        blocks = (payload.view(np.float32) for payload in messages)
        return DecodedAudio(audio, rate_hz or audio.sample_rate_hz, blocks)

    def _ask(self, request: DecodeRequest, file: BinaryIO) -> Iterator[NDArray[np.uint8]]:
        """Payloads of the answer. Where the process is killed another takes its place, once: it says all
        of it again, and what was heard is left out."""
        heard = 0
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                for payload in islice(self._ready_process().ask(request, file), heard, None):
                    heard += 1
                    yield payload
            except DecoderKilledError as error:
                if attempt == _ATTEMPTS:
                    error.attempts = attempt
                    raise
            else:
                return

    def _ready_process(self) -> DecoderProcess:
        if self._process is None or not self._process.ready:
            self.close()
            self._process = DecoderProcess(self._limits)
        return self._process


def memory_file(data: bytes) -> BinaryIO:
    """These bytes as a file without a name, to be handed to a process: in memory where there is a way."""
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("moodscribe-track")
    else:
        with tempfile.TemporaryFile() as file_on_disk:
            descriptor = os.dup(file_on_disk.fileno())
    file: BinaryIO = os.fdopen(descriptor, "w+b", buffering=0)
    view = memoryview(data)
    while view:  # one call writes no more than 2 GiB
        view = view[file.write(view) :]
    return file
