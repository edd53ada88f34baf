"""The one error type for bad data, and the words that name where and what went wrong."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """Where on the way of the data a track, an input or a bundle failed."""

    INPUT = "input"
    READ = "read"
    DECODE = "decode"
    FEATURES = "features"
    INFER = "infer"
    BUNDLE = "bundle"
    OUTPUT = "output"


class FailureKind(StrEnum):
    """What went wrong; the values of `failures.kind`."""

    BAD_URI = "bad_uri"
    BAD_MANIFEST_ROW = "bad_manifest_row"
    DUPLICATE_ID = "duplicate_id"
    NOT_FOUND = "not_found"
    NOT_READABLE = "not_readable"
    STORAGE = "storage"
    EMPTY_FILE = "empty_file"
    TOO_LARGE = "too_large"
    NOT_AUDIO = "not_audio"
    CORRUPT = "corrupt"
    NO_AUDIO = "no_audio"
    SILENT = "silent"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NON_FINITE = "non_finite"
    DECODER_CRASH = "decoder_crash"
    DECODER_TIMEOUT = "decoder_timeout"
    DECODER_MEMORY = "decoder_memory"
    FEATURE_CRASH = "feature_crash"
    FEATURE_TIMEOUT = "feature_timeout"
    BAD_INPUT = "bad_input"
    BAD_BUNDLE = "bad_bundle"
    BAD_OUTPUT = "bad_output"


# A second try can help where the fault lies with the store or the machine, not with the file.
RETRYABLE = frozenset(
    {
        FailureKind.STORAGE,
        FailureKind.DECODER_TIMEOUT,
        FailureKind.DECODER_MEMORY,
        FailureKind.FEATURE_TIMEOUT,
    }
)


class DataError(Exception):
    """Bad input of any sort: a kind, the stage it was met in, and a message with the value in it."""

    def __init__(self, kind: FailureKind, stage: Stage, message: str, *, attempts: int = 1) -> None:
        super().__init__(message)
        self.kind = kind
        self.stage = stage
        self.message = message
        self.attempts = attempts

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (self.kind, self.stage, self.message, self.attempts)

    @property
    def retryable(self) -> bool:
        """Whether the same input may succeed another time."""
        return self.kind in RETRYABLE


class OutputError(Exception):
    """The place that a run writes to has failed under way: it is full, gone, or no longer to be written to.

    No track's fault, so no DataError: it ends the run, of which nothing is published then.
    """


def bad_bundle(message: str) -> DataError:
    """The refusal of a bundle, met before any track is read."""
    return DataError(FailureKind.BAD_BUNDLE, Stage.BUNDLE, message)


def _restore(kind: FailureKind, stage: Stage, message: str, attempts: int) -> DataError:
    return DataError(kind, stage, message, attempts=attempts)
