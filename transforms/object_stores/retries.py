"""The one way to try an object store again: for which faults, how often, how long, and counted.

    try 1 - pause - try 2 - pause - ... try 6          pauses of 0.5, 1, 2, 4, 8 s, each 50 to 100 % of it

Nothing else tries again: the stores' own clients are told not to, so that six tries are six requests.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from schemas.errors import DataError, FailureKind, Stage

ATTEMPTS = 6
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.5, 30.0
# No try begins later than this after the first. What the tries themselves may take: see TIMEOUT_S.
DEADLINE_S = 300.0
# That a process keeps open to a store.
CONNECTIONS = 32
# Seconds to connect, and of silence in mid-body, before a request is given up.
TIMEOUT_S = (10.0, 60.0)
# A body may come slowly, but not for ever: past the deadline it must have come at this rate.
SLOWEST_BYTES_PER_S = 50_000

# Status codes that pass: time-out, too many requests, and what a server, or one before it, may say.
PASSING = frozenset({408, 429, 500, 502, 503, 504})

Result = TypeVar("Result")


class Purpose(StrEnum):
    """What a request was for; the names of counts in `retries` of a run's record."""

    READ = "read"
    WRITE = "write"


class TemporaryFaultError(Exception):
    """A fault that another try may mend; `retry_after_s` is how long the store asks to wait."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class _Tally:
    """Retries of this process since they were last taken, by all its threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: Counter[str] = Counter()

    def add(self, purpose: Purpose) -> None:
        with self._lock:
            self._counts[f"retries.{purpose}"] += 1

    def take(self) -> dict[str, float]:
        with self._lock:
            taken, self._counts = self._counts, Counter()
        return {name: float(count) for name, count in taken.items()}


# The one thing of the process here, as the counters of Beam are: files are closed, and libraries read from
# them, where no counter could be handed on.
_tally = _Tally()


def take_retries() -> dict[str, float]:
    """How often this process tried again since the last call, as sums for a run's account: `retries.read`
    and `retries.write`; empty where it never did."""
    return _tally.take()


def persistently(
    action: Callable[[], Result], *, purpose: Purpose, stage: Stage, uri: str, attempts: int = ATTEMPTS
) -> Result:
    """Result of an action, tried again while it meets temporary faults.

    Raises DataError of that stage: storage after the last try, or what the action raises of itself; both
    tell how many tries there were.
    """
    begin = time.monotonic()
    for attempt in range(1, attempts + 1):
        try:
            return action()
        except DataError as error:
            raise _of_stage(error, stage, uri, attempt) from error
        except TemporaryFaultError as fault:
            pause_s = max(_pause_s(attempt), min(fault.retry_after_s, LONGEST_PAUSE_S))
            if attempt == attempts or time.monotonic() + pause_s - begin > DEADLINE_S:
                last = DataError(FailureKind.STORAGE, stage, f"{fault} (tried {attempt} times)")
                raise _of_stage(last, stage, uri, attempt) from fault
        _tally.add(purpose)
        time.sleep(pause_s)
    raise AssertionError("unreachable: the last try returns or raises")


def _of_stage(error: DataError, stage: Stage, uri: str, attempts: int) -> DataError:
    """The error of a track does not repeat its URI; any other names it."""
    named = stage is Stage.READ or error.message.startswith(uri)
    message = error.message if named else f"{uri}: {error.message}"
    return DataError(error.kind, stage, message, attempts=max(attempts, error.attempts))


def _pause_s(attempt: int) -> float:
    """Between half of the pause and all of it, so that workers that failed together do not come together."""
    longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2 ** (attempt - 1))
    return random.uniform(longest / 2, longest)
