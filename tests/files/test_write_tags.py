"""Moods into files: each container keeps its other tags and its samples, whatever happens on the way."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mutagen", reason="mutagen is not installed: pip install 'moodscribe[files]'")

import mutagen
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC, COMM, ID3, TIT2, TXXX
from mutagen.mp4 import MP4, MP4Cover, MP4FreeForm

from pipelines.tables import open_tables
from pipelines.writing_tags import replacing
from pipelines.writing_tags.containers.container import open_tags
from pipelines.writing_tags.fields import AROUSAL, COLOUR, MOOD, MOODS, VALENCE, Choice, changes, fields_of
from pipelines.writing_tags.new_file import audio_sha256_of, state_of
from pipelines.writing_tags.one_file import Became, FileRow, Manner, TrackTask, settle
from tests.files.conftest import NAMES, Catalogue, audio
from transforms.tracks.reader import ReadSettings, TrackReader
from transforms.tracks.stage_clock import StageClock

PICTURE = bytes(range(256)) * 40
TITLE = "=cmd|'x' <script>\x1b[2J"
IN_PLACE = Manner(apply=True)
WANTED = fields_of(["happy", "film"], valence=0.3141, arousal=-0.0001, colour="#102030")


@pytest.fixture(scope="module")
def reader() -> Iterator[TrackReader]:
    reader = TrackReader(ReadSettings())
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One file of each container, with a title, a picture, a comment and a text of somebody's own."""
    folder = tmp_path_factory.mktemp("tagged")
    for name in (*NAMES, "w.wma"):
        path = folder / name
        path.write_bytes(audio(name))
        add_tags(path)
    return folder


def add_tags(path: Path) -> None:
    """Tags as other programs write them."""
    file = mutagen.File(str(path))
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/jpeg", PICTURE
    if path.suffix in (".wav", ".aiff", ".mp3"):
        file.add_tags()
        file.tags.add(TIT2(3, [TITLE]))
        file.tags.add(COMM(1, "eng", "", ["fine"]))
        file.tags.add(TXXX(3, "Someone's", ["own"]))
        file.tags.add(APIC(0, "image/jpeg", 3, "front", PICTURE))
    elif path.suffix == ".m4a":
        file["\xa9nam"], file["covr"] = [TITLE], [MP4Cover(PICTURE)]
        file["----:com.apple.iTunes:OWN"] = [MP4FreeForm(b"own")]
    else:
        file["title"] = TITLE
        if path.suffix == ".flac":
            file.add_picture(picture)
    file.save()


def copied(files: Path, tmp_path: Path, name: str) -> Path:
    return Path(shutil.copy2(files / name, tmp_path / name))


def samples_of(path: Path, reader: TrackReader) -> str:
    return audio_sha256_of(reader.open(str(path), StageClock()))


def task_of(path: Path, reader: TrackReader, **values: Any) -> TrackTask:
    """A track that was tagged as its file is now."""
    facts = hashlib.sha256(path.read_bytes()).hexdigest(), samples_of(path, reader)
    task = TrackTask(str(path), str(path), "tagged", None, *facts, fields=WANTED)
    return replace(task, **values)


def plain(path: Path) -> dict[str, str]:
    """All tags as mutagen reads them by itself, as texts."""
    file: Any = mutagen.File(str(path))
    tags = file.tags
    pairs = list(tags) if path.suffix in (".flac", ".ogg", ".opus") else list(tags.items())
    found: dict[str, list[Any]] = {str(name).upper(): [] for name, _ in pairs}
    for name, value in pairs:
        found[str(name).upper()].append(value)
    pictures = [one.write() for one in file.pictures] if isinstance(file, FLAC) else []
    return {name: repr(values) for name, values in found.items()} | {"pictures": repr(pictures)}


def without_ours(tags: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in tags.items() if "MOOD" not in name and name != "TMOO"}


def moods_of(path: Path) -> list[str]:
    """MOOD as other programs look for it."""
    file: Any = mutagen.File(str(path))
    if path.suffix == ".m4a":
        return [bytes(one).decode() for one in file["----:com.apple.iTunes:MOOD"]]
    return list(file["mood"]) if path.suffix in (".flac", ".ogg", ".opus") else list(file.tags["TMOO"].text)


@pytest.mark.parametrize("name", NAMES)
def test_moods_are_written_and_nothing_else_is_changed(
    name: str, files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, name)
    before, sound = plain(path), samples_of(path, reader)
    path.chmod(0o640)
    row = settle(task_of(path, reader), IN_PLACE, reader)
    assert (row.became, row.reason) == (Became.WRITTEN, "")
    assert [one.field for one in row.changes] == [MOOD, MOODS, VALENCE, AROUSAL, COLOUR]
    assert without_ours(plain(path)) == before
    assert "<script>" in str(before)
    assert samples_of(path, reader) == sound
    assert moods_of(path) == ["happy", "film"]
    text = str(plain(path))
    assert all(value in text for value in ("0.314", "0.000", "#102030"))
    assert "-0.000" not in text
    assert path.stat().st_mode & 0o777 == 0o640
    assert [one.name for one in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", NAMES)
def test_a_second_time_nothing_is_written_and_fewer_moods_are(
    name: str, files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, name)
    task, before = task_of(path, reader), plain(path)
    settle(task, IN_PLACE, reader)
    bytes_, state = path.read_bytes(), path.stat()
    assert settle(task, IN_PLACE, reader).became is Became.UNCHANGED
    assert (path.read_bytes(), path.stat().st_ino) == (bytes_, state.st_ino)
    # Its bytes are no longer those that were tagged, its samples are.
    fewer = fields_of(["film"], valence=None, arousal=None, colour=None)
    row = settle(replace(task, fields=fewer), IN_PLACE, reader)
    assert {one.field: (one.old, one.new) for one in row.changes} == {
        MOOD: (("happy", "film"), ("film",)),
        MOODS: (("happy", "film"), ("film",)),
        VALENCE: (("0.314",), ()),
        AROUSAL: (("0.000",), ()),
        COLOUR: (("#102030",), ()),
    }
    assert moods_of(path) == ["film"]
    none = fields_of([], valence=None, arousal=None, colour=None)
    assert settle(replace(task, fields=none), IN_PLACE, reader).became is Became.WRITTEN
    assert plain(path) == before


def test_a_dry_run_says_the_same_and_writes_nothing(files: Path, tmp_path: Path, reader: TrackReader) -> None:
    for name in NAMES:
        path = copied(files, tmp_path, name)
        bytes_, task = path.read_bytes(), task_of(path, reader)
        dry = settle(task, Manner(), reader)
        assert path.read_bytes() == bytes_
        assert settle(task, IN_PLACE, reader) == dry


def test_a_sidecar_is_a_copy_under_the_same_relative_path(
    files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = tmp_path / "music" / "album" / "c.flac"
    path.parent.mkdir(parents=True)
    shutil.copy2(files / "c.flac", path)
    bytes_, task = path.read_bytes(), task_of(path, reader)
    manner = Manner(apply=True, sidecar=tmp_path / "side", root=tmp_path / "music", keep_times=True)
    copy = tmp_path / "side" / "album" / "c.flac"
    assert settle(task, manner, reader) == replace(settle(task, Manner(), reader), file=str(copy))
    assert path.read_bytes() == bytes_
    assert moods_of(copy) == ["happy", "film"]
    assert samples_of(copy, reader) == task.audio_sha256
    assert copy.stat().st_mtime_ns == path.stat().st_mtime_ns
    assert settle(task, manner, reader).became is Became.UNCHANGED
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))
    assert settle(task, manner, reader).became is Became.WRITTEN, "its file is newer"
    copy.write_bytes(bytes_)
    assert "there is a file that is no copy with moods" in settle(task, manner, reader).reason
    assert copy.read_bytes() == bytes_


def test_a_copy_without_a_place_is_refused(files: Path, tmp_path: Path, reader: TrackReader) -> None:
    path = copied(files, tmp_path, "c.flac")
    bytes_, task = path.read_bytes(), task_of(path, reader)
    for sidecar, root, message in (
        (tmp_path / "side", tmp_path / "elsewhere", "not under"),
        (tmp_path, tmp_path, "the copy would be the file itself"),
    ):
        row = settle(task, Manner(apply=True, sidecar=sidecar, root=root), reader)
        assert (row.became, message in row.reason) == (Became.FAILED, True)
    assert path.read_bytes() == bytes_


def test_other_samples_than_those_tagged_are_refused_and_other_tags_are_not(
    files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, "f.mp3")
    task = task_of(path, reader)
    retagged: Any = mutagen.File(str(path))
    retagged.tags.add(TIT2(3, ["Another title"]))
    retagged.save()
    assert settle(task, Manner(), reader).became is Became.WRITTEN
    path.write_bytes(audio("f.mp3", seed=5))
    row = settle(task, IN_PLACE, reader)
    assert (row.became, row.reason) == (
        Became.FAILED,
        "it has changed since it was tagged: tag it again, or write with --changed",
    )
    assert path.read_bytes() == audio("f.mp3", seed=5)
    assert settle(task, replace(IN_PLACE, changed=True), reader).became is Became.WRITTEN
    assert moods_of(path) == ["happy", "film"]


def test_the_hash_of_samples_is_that_of_the_tables(catalogue: Catalogue, reader: TrackReader) -> None:
    tracks = open_tables(str(catalogue.output)).read("tracks").set_index("uri")["audio_sha256"]
    path = catalogue.folder / "album" / "f.mp3"
    assert samples_of(path, reader) == tracks[str(path)]


def test_a_table_with_hashes_of_samples_at_another_rate_is_no_obstacle(
    files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, "c.flac")
    task = task_of(path, reader, audio_sha256="of another rate")
    assert settle(task, IN_PLACE, reader).became is Became.WRITTEN


@pytest.mark.parametrize(
    ("name", "tag_format", "reason"),
    [
        ("c.flac", "id3", "its container, FLAC, has no id3 tags"),
        ("g.m4a", "vorbis", "its container, MP4, has no vorbis tags"),
        ("f.mp3", "mp4", "its container, MP3, has no mp4 tags"),
        ("w.wma", None, "its container, ASF, has no such tags"),
    ],
)
def test_a_container_without_such_tags_is_left(
    name: str, tag_format: str | None, reason: str, files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, name)
    bytes_ = path.read_bytes()
    row = settle(task_of(path, reader), replace(IN_PLACE, tag_format=tag_format), reader)
    assert (row.became, row.reason, path.read_bytes()) == (Became.LEFT, reason, bytes_)


def test_what_is_no_file_with_moods_has_its_row(files: Path, tmp_path: Path, reader: TrackReader) -> None:
    path = copied(files, tmp_path, "c.flac")
    task = task_of(path, reader)
    (tmp_path / "folder").mkdir()
    (tmp_path / "text.mp3").write_text("text")

    def row(**values: Any) -> FileRow:
        return settle(replace(task, **values), IN_PLACE, reader)

    assert row(uri="gs://bucket/a.flac").reason == "an object of a store, not a file"
    assert row(uri="gs://bucket/a.flac").became is Became.LEFT
    assert row(status="failed", failure="silent").reason == "not tagged, but failed: silent"
    assert row(status="skipped").became is Became.LEFT
    for uri, reason in (
        (tmp_path / "nothing.flac", "no such file"),
        (tmp_path / "folder", "not a regular file"),
        (tmp_path / "text.mp3", "its tags cannot be read or kept: can't sync to MPEG frame"),
        (Path("a\0b"), "a path cannot have a null byte"),
    ):
        assert (row(uri=str(uri)).became, row(uri=str(uri)).reason) == (Became.FAILED, reason)
    path.chmod(0o444)
    assert row().reason == "the file is read-only"
    assert row(uri=f"file://{path}", status="duplicate").reason == "the file is read-only"


def test_a_link_stays_one(files: Path, tmp_path: Path, reader: TrackReader) -> None:
    path = copied(files, tmp_path, "c.flac")
    link = tmp_path / "link.flac"
    link.symlink_to(path)
    assert settle(task_of(link, reader), IN_PLACE, reader).became is Became.WRITTEN
    assert link.is_symlink()
    assert moods_of(path) == ["happy", "film"]


_KILLED = """
import os, signal, sys
from pathlib import Path
from pipelines.writing_tags import new_file
from pipelines.writing_tags.one_file import Manner, TrackTask, settle
from pipelines.writing_tags.fields import fields_of
from transforms.tracks.reader import ReadSettings, TrackReader
new_file.put_in_place = lambda *_, **__: os.kill(os.getpid(), signal.SIGKILL)
fields = fields_of(["happy"], valence=None, arousal=None, colour=None)
task = TrackTask("a", sys.argv[1], "tagged", None, sys.argv[2], sys.argv[3], fields)
settle(task, Manner(apply=True), TrackReader(ReadSettings()))
"""


def test_a_process_killed_before_the_last_step_leaves_the_file_whole(
    files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, "f.mp3")
    bytes_, task = path.read_bytes(), task_of(path, reader)
    command = [sys.executable, "-c", _KILLED, str(path), str(task.file_sha256), str(task.audio_sha256)]
    assert subprocess.run(command, check=False).returncode == -signal.SIGKILL
    assert path.read_bytes() == bytes_
    (left,) = tmp_path.glob(".moodscribe-*.tmp")
    assert moods_of_copy(left) == ["happy"]
    assert settle(task, IN_PLACE, reader).became is Became.WRITTEN
    assert [one.name for one in tmp_path.iterdir()] == ["f.mp3"]


def moods_of_copy(path: Path) -> list[str]:
    return list(ID3(str(path))["TMOO"].text)


def test_two_processes_do_not_write_one_file_at_once(
    files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    path = copied(files, tmp_path, "c.flac")
    bytes_, task = path.read_bytes(), task_of(path, reader)
    with replacing.new_version(path, path):
        row = settle(task, IN_PLACE, reader)
    assert row.became is Became.FAILED
    assert "another process is at work on this file" in row.reason
    assert path.read_bytes() == bytes_


class _Spoiling:
    """Tags that spoil what they are not to touch."""

    def __init__(self, tags: Any, path: Path, what: str) -> None:
        self._tags, self._path, self._what = tags, path, what

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tags, name)

    def write(self, fields: Any) -> None:
        self._tags.write(fields)
        if self._what == "samples":
            with self._path.open("r+b") as sound:
                sound.seek(-20_000, 2)
                sound.write(bytes(3_000))
        elif self._what == "title":
            file: Any = mutagen.File(str(self._path))
            file["title"] = "Another"
            file.save()


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        ("samples", "its samples would not be those of before: nothing was written"),
        ("title", "its other tags would have changed: nothing was written"),
    ],
)
def test_a_file_that_would_be_spoilt_is_not_put_in_place(
    what: str, reason: str, files: Path, tmp_path: Path, reader: TrackReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "pipelines.writing_tags.new_file.open_tags",
        lambda path, container: _Spoiling(open_tags(path, container), path, what),
    )
    path = copied(files, tmp_path, "c.flac")
    bytes_ = path.read_bytes()
    row = settle(task_of(path, reader), IN_PLACE, reader)
    assert (row.became, row.reason) == (Became.FAILED, reason)
    assert path.read_bytes() == bytes_
    assert [one.name for one in tmp_path.iterdir()] == ["c.flac"]


def test_a_full_disk_is_a_row_and_leaves_nothing(
    files: Path, tmp_path: Path, reader: TrackReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    path = copied(files, tmp_path, "c.flac")
    bytes_, task = path.read_bytes(), task_of(path, reader)
    monkeypatch.setattr(shutil, "copyfile", full)
    row = settle(task, IN_PLACE, reader)
    assert (row.became, row.reason) == (Became.FAILED, "No space left on device")
    assert path.read_bytes() == bytes_
    assert [one.name for one in tmp_path.iterdir()] == ["c.flac"]


def test_a_file_written_to_meanwhile_is_left_as_it_is(
    files: Path, tmp_path: Path, reader: TrackReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = copied(files, tmp_path, "c.flac")
    task = task_of(path, reader)
    monkeypatch.setattr("pipelines.writing_tags.one_file.state_of", lambda path: (*state_of(path)[:2], 0))
    assert settle(task, IN_PLACE, reader).reason == "the file changed while it was written"


@pytest.mark.parametrize(
    ("present", "wanted", "choice", "expected"),
    [
        ({}, ("a",), Choice(), {MOOD: (), MOODS: ()}),
        ({MOOD: ("mine",)}, ("a",), Choice(), {MOOD: ("mine",), MOODS: ()}),
        ({MOOD: ("mine",)}, ("a",), Choice(keep_moods=True), {MOODS: ()}),
        ({MOOD: ("mine",), MOODS: ("a",)}, ("a",), Choice(keep_moods=True), {}),
        ({MOOD: ("b",), MOODS: ("b",)}, ("a",), Choice(keep_moods=True), {MOOD: ("b",), MOODS: ("b",)}),
        ({MOOD: ("mine",)}, (), Choice(), {}),
        ({MOOD: ("b",), MOODS: ("b",)}, (), Choice(), {MOOD: ("b",), MOODS: ("b",)}),
        ({MOOD: ("mine",)}, ("a",), Choice(("valence", "colour")), {}),
    ],
)
def test_moods_of_others_are_told_from_ours(
    present: dict[str, tuple[str, ...]],
    wanted: tuple[str, ...],
    choice: Choice,
    expected: dict[str, tuple[str, ...]],
) -> None:
    fields = fields_of(wanted, valence=None, arousal=None, colour=None)
    assert {one.field: one.old for one in changes(present, fields, choice)} == expected


def test_mp4_atoms_that_mutagen_would_rewrite_stay(files: Path, tmp_path: Path, reader: TrackReader) -> None:
    path = copied(files, tmp_path, "g.m4a")
    genre = b"\0\0\0\x1agnre\0\0\0\x12data\0\0\0\0\0\0\0\0\0\x12"
    tags: Any = MP4(str(path))
    tags.tags._failed_atoms = {"gnre": [genre[8:]]}
    tags.save()
    assert genre in path.read_bytes()
    assert settle(task_of(path, reader), IN_PLACE, reader).became is Became.WRITTEN
    assert genre in path.read_bytes()


def test_comments_that_are_not_utf8_are_not_rewritten(
    files: Path, tmp_path: Path, reader: TrackReader
) -> None:
    for name in ("c.flac", "d.ogg"):
        path = copied(files, tmp_path, name)
        file: Any = mutagen.File(str(path))
        file["artist"] = "XXXX"
        file.save()
        path.write_bytes(path.read_bytes().replace(b"XXXX", b"M\xfcll"))
        if name == "d.ogg":
            continue  # the page's checksum tells: no decoder reads it any more
        bytes_ = path.read_bytes()
        for manner in (Manner(), IN_PLACE):
            row = settle(task_of(path, reader), manner, reader)
            assert row.became is Became.FAILED
            assert "not all NAME=text in UTF-8" in row.reason
        assert path.read_bytes() == bytes_
