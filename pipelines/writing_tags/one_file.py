"""One track's file from what its tags say to what they are to say, and what became of it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from pipelines.writing_tags.containers.container import kind_of, open_tags, tag_faults
from pipelines.writing_tags.fields import MOOD, Change, Choice, Fields, changes
from pipelines.writing_tags.new_file import NewFile, audio_sha256_of, state_of, write
from pipelines.writing_tags.replacing import read_only
from schemas.errors import DataError, FailureKind, Stage
from schemas.tracks import Status
from transforms.storage import describe, is_local, local_path
from transforms.tracks.reader import TrackReader
from transforms.tracks.stage_clock import StageClock

_WITH_MOODS = (Status.TAGGED.value, Status.DUPLICATE.value)


class Became(StrEnum):
    """What became of a track; in a dry run, what would."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"
    LEFT = "left"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class TrackTask:
    """A row of `tracks` with the fields that its file is to have."""

    track_id: str
    uri: str
    status: str
    failure: str | None
    file_sha256: str | None
    audio_sha256: str | None
    fields: Fields


@dataclass(frozen=True, slots=True)
class Manner:
    """How files are written: `sidecar` is a folder for copies, whose paths are those relative to `root`."""

    apply: bool = False
    tag_format: str | None = None
    choice: Choice = field(default_factory=Choice)
    changed: bool = False
    keep_times: bool = False
    sidecar: Path | None = None
    root: Path = Path("/")


@dataclass(frozen=True, slots=True)
class FileRow:
    """The account of one track: which file, what became of it, why, and what changes in it."""

    track_id: str
    file: str
    became: Became
    reason: str = ""
    changes: tuple[Change, ...] = ()


def settle(task: TrackTask, manner: Manner, reader: TrackReader) -> FileRow:
    """Write the tags of a track's file, or say what would be written; there is a row for any file."""
    if task.status not in _WITH_MOODS:
        why = f"{task.status}: {task.failure}" if task.failure else task.status
        return FileRow(task.track_id, task.uri, Became.LEFT, f"not tagged, but {why}")
    if not is_local(task.uri):
        return FileRow(task.track_id, task.uri, Became.LEFT, "an object of a store, not a file")
    try:
        return _settle(task, manner, reader)
    except DataError as error:
        return FileRow(task.track_id, task.uri, Became.FAILED, error.message)
    except OSError as error:
        return FileRow(task.track_id, task.uri, Became.FAILED, error.strerror or str(error))


def _settle(task: TrackTask, manner: Manner, reader: TrackReader) -> FileRow:
    describe(task.uri)  # what is missing or no file is said in the same words as everywhere
    source = Path(os.path.realpath(local_path(task.uri)))
    state = state_of(source)
    target = _target(local_path(task.uri), source, manner)
    with tag_faults():
        container, tag_format = kind_of(source)
        if not tag_format or manner.tag_format not in (None, tag_format):
            wanted = f"{manner.tag_format or 'such'} tags"
            return FileRow(
                task.track_id, task.uri, Became.LEFT, f"its container, {container}, has no {wanted}"
            )
        tags = open_tags(source, container)
        present = tags.read()
        found = changes(present, task.fields, manner.choice)
        fields = {change.field: change.new for change in found}
        done = not found if target == source else _is_copied(source, target, container, {**present, **fields})
        if done:
            return FileRow(task.track_id, str(target), Became.UNCHANGED)
        tags.others()  # raises for tags that cannot be kept, in a dry run, too
    if target == source and read_only(source):
        raise _refusal(FailureKind.NOT_READABLE, "the file is read-only")
    audio_sha256 = _audio_to_keep(task, manner, source, reader)
    if manner.apply:
        new = NewFile(source, state, target, container, fields)
        write(new, audio_sha256, reader, keep_times=manner.keep_times)
    return FileRow(task.track_id, str(target), Became.WRITTEN, changes=tuple(found))


def _target(path: Path, source: Path, manner: Manner) -> Path:
    """The file to write: the track's own, or its copy."""
    if manner.sidecar is None:
        return source
    absolute = Path(os.path.abspath(path))  # noqa: PTH100 - a path with .. in it, but with its links
    if not absolute.is_relative_to(manner.root):
        raise _refusal(FailureKind.BAD_INPUT, f"not under {manner.root}: the copy has no place, see --root")
    target = manner.sidecar / absolute.relative_to(manner.root)
    if os.path.realpath(target) == str(source):
        raise _refusal(FailureKind.BAD_INPUT, f"{target}: the copy would be the file itself")
    return target


def _is_copied(source: Path, target: Path, container: str, wanted: Fields) -> bool:
    """Whether there is a copy that says what is wanted, and is no older than its file.

    Raises DataError(bad_output) for a file in its place that has none of our fields: it is somebody's own.
    """
    if not target.exists():
        return False
    same = kind_of(target)[0] == container
    said = open_tags(target, container).read() if same else {}
    if not said.keys() - {MOOD} and any(wanted.values()):
        raise _refusal(FailureKind.BAD_OUTPUT, f"{target}: there is a file that is no copy with moods")
    fresh = target.stat().st_mtime_ns >= source.stat().st_mtime_ns
    return fresh and said == {name: values for name, values in wanted.items() if values}


def _audio_to_keep(task: TrackTask, manner: Manner, source: Path, reader: TrackReader) -> str:
    """Hash of the file's samples, which are those that were tagged, unless the manner says otherwise.

    Other tags of the file may have changed since. DataError(not_readable) where its samples have.
    """
    reading = reader.open(str(source), StageClock())
    if reading.facts.file_sha256 == task.file_sha256 and task.audio_sha256:
        return task.audio_sha256
    audio_sha256 = audio_sha256_of(reading)
    if audio_sha256 != task.audio_sha256 and not manner.changed:
        message = "it has changed since it was tagged: tag it again, or write with --changed"
        raise _refusal(FailureKind.NOT_READABLE, message)
    return audio_sha256


def _refusal(kind: FailureKind, message: str) -> DataError:
    return DataError(kind, Stage.OUTPUT, message)
