"""Files that cannot be read, or not as a whole: refused at once, in little memory, one failure each."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from schemas.errors import DataError, FailureKind, Stage
from schemas.track import Outcome, Track
from tests.audio_files import by_sndfile
from tests.sounds import music
from transforms.inputs.stage import inspect_input, read_input
from transforms.object_stores.body import refuse_large
from transforms.object_stores.store import StoredObject
from transforms.tracks import track_file
from transforms.tracks.reader import ReadSettings, TrackReader
from transforms.tracks.stage_clock import StageClock

GIB = 1 << 30
LINUX = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="needs Linux's /proc")


@pytest.fixture
def reader() -> Iterator[TrackReader]:
    with contextlib.closing(TrackReader(ReadSettings())) as shared:
        yield shared


def refusal(reader: TrackReader, path: Path) -> DataError:
    """Why a file cannot be read."""
    with pytest.raises(DataError, match=r".") as caught:
        for _ in reader.open(str(path), StageClock()).blocks(16_000):
            pass
    return caught.value


def sparse(path: Path, size: int) -> Path:
    """A file of zeros that takes no room on the disk."""
    with path.open("wb") as file:
        file.truncate(size)
    return path


def memory_kb(name: str) -> int:
    """VmRSS or VmHWM, its peak, of this process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def test_ten_gigabytes_are_too_large_and_are_not_read(reader: TrackReader, tmp_path: Path) -> None:
    begin = time.monotonic()
    error = refusal(reader, sparse(tmp_path / "long.wav", 10 * GIB))
    assert (error.kind, error.stage) == (FailureKind.TOO_LARGE, Stage.READ)
    assert error.message == "10,737,418,240 bytes of 1,073,741,824"
    assert time.monotonic() - begin < 1


@LINUX
def test_a_large_file_is_never_held_in_memory(tmp_path: Path) -> None:
    # Behind the sound there are zeros, as a disk leaves that lost the rest.
    path, size = tmp_path / "long.wav", GIB // 4
    path.write_bytes(by_sndfile(music(2.0)[:, None], 16_000, "WAV"))
    os.truncate(path, size)
    with contextlib.closing(TrackReader(ReadSettings(max_file_bytes=20 * GIB))) as reader:
        Path("/proc/self/clear_refs").write_text("5")  # the peak begins anew
        before = memory_kb("VmRSS")
        reading = reader.open(str(path), StageClock())
        assert sum(map(len, reading.blocks(16_000))) == 32_000
        assert memory_kb("VmHWM") - before < 50_000
    assert reading.facts.bytes == size


class Store:
    """Objects of an object store, and which way they were asked for."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.asked: list[str] = []

    def read_bytes(self, _uri: str, *, max_bytes: int) -> bytes:
        self.asked.append(f"whole up to {max_bytes}")
        refuse_large(len(self.data), max_bytes)
        return self.data

    def describe(self, _uri: str) -> StoredObject:
        return StoredObject("generation 1", len(self.data))

    def open_file(self, _uri: str) -> io.BytesIO:
        self.asked.append("in pieces")
        return io.BytesIO(self.data)


@pytest.mark.parametrize(
    ("most", "asked", "refused"),
    [
        (50_000, ["whole up to 50000"], None),
        (20_000, ["whole up to 20000", "in pieces"], None),
        (20_000, ["whole up to 20000"], 30_000),
        (50_000, ["whole up to 30000"], 30_000),
    ],
)
def test_an_object_too_large_for_memory_is_copied_to_the_disk_up_to_the_limit(
    most: int, asked: list[str], refused: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(by_sndfile(music(1.0)[:, None], 16_000, "WAV"))
    monkeypatch.setattr(track_file, "IN_MEMORY_BYTES", most)
    for name in ("read_bytes", "describe", "open_file"):
        monkeypatch.setattr(track_file, name, getattr(store, name))
    settings = ReadSettings(max_file_bytes=refused or 100_000)
    with contextlib.closing(TrackReader(settings)) as reader:
        if refused:
            with pytest.raises(DataError, match="32,044 bytes of 30,000") as caught:
                reader.open("gs://b/x.wav", StageClock())
            assert caught.value.kind is FailureKind.TOO_LARGE
        else:
            reading = reader.open("gs://b/x.wav", StageClock())
            assert sum(map(len, reading.blocks(None))) == 16_000
    assert store.asked == asked


def test_a_full_disk_under_a_large_object_can_be_tried_again_and_names_the_folder(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    store = Store(bytes(1000))
    monkeypatch.setattr(track_file, "IN_MEMORY_BYTES", 10)
    for name in ("read_bytes", "describe", "open_file"):
        monkeypatch.setattr(track_file, name, getattr(store, name))
    full = partial(open, "/dev/full", "wb", buffering=0)
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda buffering: full())
    with pytest.raises(DataError, match="No space left on device") as caught:
        track_file.open_track_file("gs://b/x.wav", max_bytes=10_000)
    assert caught.value.kind is FailureKind.STORAGE
    assert caught.value.retryable

    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    with pytest.raises(DataError, match="Permission denied") as caught:
        track_file.open_track_file("gs://b/x.wav", max_bytes=10_000)
    assert caught.value.kind is FailureKind.STORAGE


@LINUX
@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("/dev/zero", "not a regular file"),
        ("/dev/full", "not a regular file"),
        ("/proc/self/mem", "Input/output error"),
        ("/proc/self/clear_refs", "Invalid argument"),
        ("/proc/1", "not a regular file"),
    ],
)
def test_devices_and_files_that_cannot_be_read_are_refused_at_once(
    reader: TrackReader, target: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "a.wav").symlink_to(target)
    begin = time.monotonic()
    error = refusal(reader, tmp_path / "a.wav")
    assert (error.kind, error.message) == (FailureKind.NOT_READABLE, message)
    assert time.monotonic() - begin < 1


def test_an_unbroken_file_is_read_after_any_number_of_broken_ones(
    reader: TrackReader, tmp_path: Path
) -> None:
    good = tmp_path / "good.wav"
    good.write_bytes(by_sndfile(music(1.0)[:, None], 16_000, "WAV"))
    before = len(list(Path("/proc/self/fd").iterdir()))
    for number in range(30):
        bad = tmp_path / f"{number}.wav"
        bad.write_bytes(b"" if number % 3 else b"text")
        refusal(reader, bad)
    assert sum(map(len, reader.open(str(good), StageClock()).blocks(16_000))) == 16_000
    # The decoder's two pipes and its selector, and the file that was opened last.
    assert len(list(Path("/proc/self/fd").iterdir())) <= before + 4


def nested(folder: Path, name: str, depth: int) -> None:
    """Folders within folders, each with a file, further than a path can say."""
    here = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=here)
        below = os.open(name, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
        os.close(os.open("a.wav", os.O_WRONLY | os.O_CREAT, dir_fd=here))
    os.close(here)


def test_folders_deeper_than_a_path_can_say_are_one_failure_and_the_files_above_are_tracks(
    tmp_path: Path,
) -> None:
    name = "n" * 250
    nested(tmp_path, name, depth=20)
    try:
        items = list(read_input(inspect_input(str(tmp_path))))
        with pytest.raises(DataError, match="File name too long") as caught:
            inspect_input(f"{tmp_path}/**/*.wav")
    finally:
        shutil.rmtree(tmp_path / name)
    tracks = [item for item in items if isinstance(item, Track)]
    (failed,) = (item for item in items if isinstance(item, Outcome))
    assert failed.error is not None
    assert (failed.error.kind, failed.error.message) == (
        FailureKind.NOT_READABLE,
        "the folder: File name too long",
    )
    assert max(len(track.uri) for track in tracks) > 3_500
    assert caught.value.kind is FailureKind.NOT_READABLE
