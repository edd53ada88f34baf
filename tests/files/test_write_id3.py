"""ID3 of any age: frames that are not ours keep their bytes, and so do the tags at an MP3's end."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("mutagen", reason="mutagen is not installed: pip install 'moodscribe[files]'")

import mutagen
from mutagen.id3 import ID3

from pipelines.writing_tags.fields import MOOD, fields_of
from pipelines.writing_tags.one_file import Became, Manner, TrackTask, settle
from tests.files.conftest import audio
from transforms.tracks.reader import ReadSettings, TrackReader

WANTED = fields_of(["happy", "film"], valence=0.3, arousal=None, colour=None)
V1 = b"TAG" + b"An old title".ljust(30, b"\0") + b"Somebody".ljust(30, b"\0") + bytes(64) + b"\x11"


@pytest.fixture(scope="module")
def reader() -> Iterator[TrackReader]:
    reader = TrackReader(ReadSettings())
    yield reader
    reader.close()


@pytest.fixture(scope="module")
def mp3() -> bytes:
    """An MP3 without tags."""
    data = audio("f.mp3")
    assert not data.startswith(b"ID3")
    return data


def frame(name: bytes, data: bytes, *, flags: bytes = b"\0\0", synchsafe: bool = False) -> bytes:
    size = len(data)
    if synchsafe:
        size = sum((size >> 7 * place & 0x7F) << 8 * place for place in range(4))
    return name + size.to_bytes(4) + flags + data


def tag(version: int, frames: bytes, *, flags: int = 0) -> bytes:
    body = frames + bytes(50)
    size = sum((len(body) >> 7 * place & 0x7F) << 8 * place for place in range(4))
    return b"ID3" + bytes([version, 0, flags]) + size.to_bytes(4) + body


def write(path: Path, reader: TrackReader) -> Any:
    task = TrackTask("a", str(path), "tagged", None, None, None, WANTED)
    row = settle(task, Manner(apply=True, changed=True), reader)
    assert (row.became, row.reason) == (Became.WRITTEN, "")
    assert settle(task, Manner(apply=True, changed=True), reader).became is Became.UNCHANGED
    return ID3(str(path), translate=False, load_v1=False)


def test_a_tag_of_version_3_stays_one(mp3: bytes, tmp_path: Path, reader: TrackReader) -> None:
    frames = [
        frame(b"TYER", b"\x001999"),
        frame(b"TIT2", b"\x01\xff\xfe" + "Grüße".encode("utf-16-le")),
        frame(b"TMOO", b"\x00not of this version"),
        frame(b"TXXX", b"\x00someone\x00own"),
        frame(b"TXXX", b"\x00someone\x00own again"),
        frame(b"APIC", b"\x00PNG\x00\x03\x00" + bytes(range(256))),
        frame(b"XYZ1", b"unknown"),
        frame(b"COMM", b"\x07junk"),
        frame(b"TPE1", (9).to_bytes(4) + zlib.compress(b"\x00Somebody"), flags=b"\0\x80"),
    ]
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(3, b"".join(frames)) + mp3 + V1)
    tags = write(path, reader)
    data = path.read_bytes()
    assert data.startswith(b"ID3\x03")
    assert all(one in data for one in frames)
    assert data.endswith(mp3 + V1)
    assert tags["TXXX:MOOD"].text == ["happy; film"]
    assert tags["TXXX:MOODSCRIBE_VALENCE"].text == ["0.300"]


@pytest.mark.parametrize("synchsafe", [True, False], ids=["as it should be", "sizes as in version 3"])
def test_a_tag_of_version_4_keeps_its_frames(
    synchsafe: bool, mp3: bytes, tmp_path: Path, reader: TrackReader
) -> None:
    contents = {
        b"TIT2": b"\x03" + b"long " * 100,
        b"TPE1": b"\x03Somebody\x00Else",
        b"APIC": b"\x00image/png\x00\x03\x00" + bytes(range(256)),
    }
    path = tmp_path / "a.mp3"
    frames = [frame(name, data, synchsafe=synchsafe) for name, data in contents.items()]
    path.write_bytes(tag(4, b"".join(frames)) + mp3)
    tags = write(path, reader)
    data = path.read_bytes()
    assert all(frame(name, content, synchsafe=True) in data for name, content in contents.items())
    assert tags["TIT2"].text == ["long " * 100]
    assert tags["TMOO"].text == ["happy", "film"]
    assert "TXXX:MOOD" not in tags
    assert data.endswith(mp3)


def test_frames_of_an_unsynchronised_tag_are_read_as_before(
    mp3: bytes, tmp_path: Path, reader: TrackReader
) -> None:
    picture = b"\xff\xe0" * 50
    unsynchronised = (b"\x00image/png\x00\x03\x00" + picture).replace(b"\xff", b"\xff\x00")
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(4, frame(b"APIC", unsynchronised, synchsafe=True), flags=0x80) + mp3)
    assert ID3(str(path))["APIC:"].data == picture
    assert write(path, reader)["APIC:"].data == picture


def test_tags_at_the_end_stay_and_their_titles_are_not_hidden(
    mp3: bytes, tmp_path: Path, reader: TrackReader
) -> None:
    ape = b"APETAGEX" + (2000).to_bytes(4, "little") + (32).to_bytes(4, "little") + bytes(16)
    path = tmp_path / "a.mp3"
    path.write_bytes(mp3 + ape + V1)
    write(path, reader)
    assert path.read_bytes().endswith(mp3 + ape + V1)
    both: Any = mutagen.File(str(path))
    assert both.tags["TIT2"].text == ["An old title"]


def test_version_2_is_not_written(mp3: bytes, tmp_path: Path, reader: TrackReader) -> None:
    path = tmp_path / "a.mp3"
    data = tag(2, b"TT2" + (6).to_bytes(3) + b"\x00Title") + mp3
    path.write_bytes(data)
    task = TrackTask("a", str(path), "tagged", None, None, None, WANTED)
    row = settle(task, Manner(apply=True, changed=True), reader)
    assert row.became is Became.FAILED
    assert "ID3v2.2" in row.reason
    assert path.read_bytes() == data


def test_a_mood_of_others_is_shown_before_it_is_replaced(
    mp3: bytes, tmp_path: Path, reader: TrackReader
) -> None:
    path = tmp_path / "a.mp3"
    path.write_bytes(tag(4, frame(b"TMOO", b"\x03\x1b[2Jwistful", synchsafe=True)) + mp3)
    task = TrackTask("a", str(path), "tagged", None, None, None, WANTED)
    row = settle(task, Manner(changed=True), reader)
    assert (row.changes[0].field, row.changes[0].old) == (MOOD, ("\x1b[2Jwistful",))


def test_other_chunks_of_a_wav_stay(tmp_path: Path, reader: TrackReader) -> None:
    info = b"LIST" + (4 + 8 + 6).to_bytes(4, "little") + b"INFOINAM" + (6).to_bytes(4, "little") + b"Title\0"
    data = audio("a.wav")
    path = tmp_path / "a.wav"
    path.write_bytes(data[:4] + (len(data) - 8 + len(info)).to_bytes(4, "little") + data[8:] + info)
    task = TrackTask("a", str(path), "tagged", None, None, None, WANTED)
    assert settle(task, Manner(apply=True, changed=True), reader).became is Became.WRITTEN
    assert info in path.read_bytes()
    tags: Any = mutagen.File(str(path))
    assert tags.tags["TMOO"].text == ["happy", "film"]
