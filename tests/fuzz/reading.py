"""Cases through the reading of a real worker: bytes to the front ends' features, in the decoder's process."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from schemas.errors import DataError, FailureKind
from schemas.track import FileFacts
from transforms.decoding.sandbox import DecodeLimits
from transforms.tagging.features import FrontEnds, Rows
from transforms.tracks.reader import ReadSettings, TrackReader
from transforms.tracks.stage_clock import StageClock

READ = "read"
# All that Python and its libraries raise.
BUGS = (
    ArithmeticError,
    AssertionError,
    AttributeError,
    BufferError,
    EOFError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)
# What a case may take besides waiting for the decoder: a new process, features, a busy machine.
_GRACE_S = 10.0


@dataclass(frozen=True, slots=True)
class Result:
    """What became of a case: `outcome` is "read" or the kind of failure, `problems` what must never be."""

    outcome: str
    message: str
    seconds: float
    problems: tuple[str, ...] = ()


class CaseReader:
    """Reads one file after another as a worker does; use as a context manager."""

    def __init__(self, front_ends: Sequence[str], limits: DecodeLimits) -> None:
        self._front_ends = FrontEnds(front_ends)
        self._limits = limits
        self._reader = TrackReader(ReadSettings(limits=limits))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()

    def read(self, path: Path) -> Result:
        """Read a file to its end. Whatever is raised but DataError would end a job: a problem."""
        begin, facts, problems = time.monotonic(), None, []
        try:
            reading = self._reader.open(str(path), StageClock())
            features = self._front_ends.features_of(reading)
        except DataError as error:
            outcome, message = str(error.kind), error.message
            if error.kind is FailureKind.DECODER_CRASH and "with SIG" not in message:
                problems.append("an exception in the decoder's process")
        except BUGS as error:
            outcome, message = "exception", "".join(traceback.format_exception(error))
            problems.append(f"{type(error).__name__} in the worker: {message}")
        else:
            outcome, message, facts = READ, "", reading.facts
            for key, rows in features.items():
                if isinstance(rows, Rows) and not np.isfinite(rows.values).all():
                    problems.append(f"features of {key} that are not finite")
        seconds = time.monotonic() - begin
        problems += _problems_of(facts) if facts else []
        if seconds > self._limits.timeout_s + _GRACE_S:
            problems.append(f"{seconds:.0f} s, with a limit of {self._limits.timeout_s:g} s")
        if not message and outcome != READ:
            problems.append("a failure without a message")
        return Result(outcome, message, seconds, tuple(problems))


def _problems_of(facts: FileFacts) -> list[str]:
    """What no file can be, whatever it says of itself."""
    declared, decoded = facts.duration_s, facts.decoded_s
    problems = []
    if not decoded or not np.isfinite(decoded):
        problems.append(f"decoded_s is {decoded}")
    if declared is not None and not 0 < declared < np.inf:
        problems.append(f"duration_s is {declared}")
    if not facts.codec or not facts.channels or not facts.sample_rate_hz or not facts.audio_sha256:
        problems.append(f"facts are missing: {facts}")
    return problems
