"""A file with other tags: written beside its target, looked at as a whole, and only then put in its place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pipelines.writing_tags.containers.container import Tags, open_tags, tag_faults
from pipelines.writing_tags.fields import Fields
from pipelines.writing_tags.replacing import new_version, put_in_place
from schemas.errors import DataError, FailureKind, Stage
from transforms.tracks.reader import TrackReader, TrackReading
from transforms.tracks.stage_clock import StageClock

# Of the front ends that hear a track in blocks; to take it from them would bring SciPy into every worker.
_RATE_HZ = 16_000


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file to be written: the fields that change of its source, which was looked at in this state."""

    source: Path
    state: tuple[int, int, int]
    target: Path
    container: str
    fields: Fields


def write(new: NewFile, audio_sha256: str, reader: TrackReader, *, keep_times: bool) -> None:
    """Write beside the target, look whether all is as it should be, and only then take its place."""
    new.target.parent.mkdir(parents=True, exist_ok=True)
    with new_version(new.source, new.target) as path:
        with tag_faults():
            tags = open_tags(path, new.container)
            kept = tags.others()
            if new.fields:
                tags.write(new.fields)
            _check(open_tags(path, new.container), new.fields, kept)
        after = audio_sha256_of(reader.open(str(path), StageClock()))
        # A bundle whose front end takes another rate has hashes of other samples in its tables.
        if after != audio_sha256 and after != audio_sha256_of(reader.open(str(new.source), StageClock())):
            message = "its samples would not be those of before: nothing was written"
            raise _refusal(FailureKind.CORRUPT, message)
        if state_of(new.source) != new.state:
            raise _refusal(FailureKind.NOT_READABLE, "the file changed while it was written")
        put_in_place(path, new.target, like=new.source, keep_times=keep_times)


def _check(tags: Tags, fields: Fields, kept: object) -> None:
    """Raise DataError(corrupt) where the file does not say what was written, or another tag has changed."""
    said = tags.read()
    if any(said.get(name, ()) != values for name, values in fields.items()):
        raise _refusal(FailureKind.CORRUPT, "its tags cannot be read back: nothing was written")
    if tags.others() != kept:
        raise _refusal(FailureKind.CORRUPT, "its other tags would have changed: nothing was written")


def audio_sha256_of(reading: TrackReading) -> str:
    """`audio_sha256` of a file: of its samples at the rate of the front ends that hear a track in blocks."""
    for _ in reading.blocks(_RATE_HZ):
        pass
    return str(reading.facts.audio_sha256)


def state_of(path: Path) -> tuple[int, int, int]:
    """What differs once a file has been written to."""
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.OUTPUT, message)
