"""openSMILE's ComParE_2016 low-level descriptors and their statistics, computed in a process of their own."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import threading
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from schemas.clock import to_seconds
from schemas.errors import DataError, FailureKind, Stage
from transforms.features.samples import refusal
from transforms.writing.faults import writing

TERMS = (
    "openSMILE 3, (c) audEERING GmbH: for non-commercial research, teaching and personal use only; "
    "commercial use needs a licence of audEERING. Users are asked to cite Eyben, Woellmer and Schuller "
    "(2010), openSMILE. https://github.com/audeering/opensmile"
)

# The library is some thirty times faster than the music.
_START_S = 120.0


def descriptors(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Samples [n] -> the 65 descriptors, then their deltas, every 10 ms: [rows, 130] float32.

    Raises DataError: bad_input where openSMILE is not installed, feature_crash where it dies of the track,
    feature_timeout where it takes longer than the music and two minutes.
    """
    return _ENGINE.run("descriptors", samples, rate_hz=rate_hz)


def statistics(samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
    """Samples [n] -> deviation and mean of each of the 130 over 1 s, every .5 s: [rows, 260] float32.

    The deviation is the population's. Raises DataError as `descriptors`.
    """
    return _ENGINE.run("statistics", samples, rate_hz=rate_hz)


def opensmile_version() -> str:
    """Version of the openSMILE package; DataError(bad_input) with how to install it where it is not here."""
    if find_spec("opensmile") is None:
        raise refusal(f"openSMILE is not installed: pip install 'moodscribe[opensmile]'. {TERMS}")
    return version("opensmile")


class _Engine:
    """The process with openSMILE in it, started when it is needed and anew when it has died."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[str] | None = None

    def run(self, kind: str, samples: NDArray[np.float32], *, rate_hz: int) -> NDArray[np.float32]:
        """Rows of one track: see `descriptors` and `statistics`."""
        opensmile_version()
        limit_s = _START_S + to_seconds(len(samples), rate_hz=rate_hz)
        with self._lock, TemporaryDirectory(prefix="moodscribe-") as scratch:
            folder = Path(scratch)
            with writing(scratch):
                np.save(folder / "samples.npy", samples, allow_pickle=False)
            request = {"kind": kind, "rate_hz": int(rate_hz)}
            request |= {name: str(folder / f"{name}.npy") for name in ("samples", "rows")}
            self._ask(json.dumps(request), limit_s)
            rows: NDArray[np.float32] = np.load(folder / "rows.npy", allow_pickle=False)
        return rows

    def _ask(self, request: str, limit_s: float) -> None:
        process = self._process
        if process is None or process.poll() is not None:
            process = self._process = _start()
        if process.stdin is None or process.stdout is None:
            raise RuntimeError("the process of openSMILE has no pipes")
        late = threading.Event()

        def end() -> None:
            late.set()
            process.kill()

        timer = threading.Timer(limit_s, end)
        timer.start()
        try:
            process.stdin.write(request + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except BrokenPipeError:
            answer = ""
        finally:
            timer.cancel()
        if not answer:
            raise _died(process, limit_s if late.is_set() else None)


def _start() -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "transforms.features.descriptors.opensmile_child"]
    return subprocess.Popen(  # noqa: S603 - our own interpreter and module
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,  # Ctrl-C is the owner's to handle; it ends with its input
    )


def _died(process: subprocess.Popen[str], limit_s: float | None) -> DataError:
    code = process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
    if limit_s is not None:
        message = f"no answer from openSMILE within {limit_s:.0f} s"
        return DataError(FailureKind.FEATURE_TIMEOUT, Stage.FEATURES, message)
    reason = signal.Signals(-code).name if code < 0 else f"exit status {code}"
    return DataError(FailureKind.FEATURE_CRASH, Stage.FEATURES, f"openSMILE ended with {reason}")


_ENGINE = _Engine()
