"""Whole jobs on poison: every input is in the account once, with its reason, and what is sound is tagged."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from models.bundle import Bundle
from pipelines.tables import open_tables
from tests.audio_files import by_sndfile
from tests.bundles import ENCODED, TAGS, write_bundle
from tests.fuzz.cases import case_of
from tests.fuzz.reading import CaseReader
from tests.fuzz.seeds import composed_seeds
from tests.fuzz.whole_job import expected_in_job
from tests.jobs import plan_run, run
from tests.poison.bombs import flac_of_one_value, huge_heads
from tests.sounds import music
from transforms.decoding.sandbox import DecodeLimits
from transforms.tagging.worker import WorkSettings
from transforms.tracks.reader import ReadSettings

LIMITS = DecodeLimits(timeout_s=20, max_duration_s=120)
SOUND_S = 3.5  # enough for every model
LONG_NAME = "é" * 120 + ".wav"  # 244 bytes; a name may have 255
SOUND = {
    "plain.wav": 1,
    "new\nline.wav": 2,
    "'single' \"double\".flac": 3,
    "🎵 и ∞ \u202e.wav": 4,
    f"{'d' * 250}/{'e' * 250}/{'f' * 250}/{LONG_NAME}": 5,
    "percent%20, comma; #1?.wav": 6,
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Bundle:
    """An encoder with one head: models are not what is tried here."""
    return write_bundle(tmp_path_factory.mktemp("bundles") / "one", ENCODED[:2], tags=TAGS)


@contextmanager
def poison(folder: Path) -> Iterator[Mapping[str, str]]:
    """Fill a folder; what must become of each name in it: a status or a kind of failure."""
    for name, seed in SOUND.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(by_sndfile(music(SOUND_S, seed=seed)[:, None], 16_000, path.suffix[1:].upper()))
    heads = huge_heads()
    files = {
        "a day.flac": (flac_of_one_value(86_400), "too_long"),
        "a head.flac": (heads["flac"], "tagged"),
        "a table.m4a": (heads["m4a, its table"], "not_audio"),
        "a list.mp3": (b"ffconcat version 1.0\nfile plain.wav\n", "not_audio"),
        "32 channels.wav": (
            by_sndfile(np.tile(music(SOUND_S)[:, None], 32), 16_000, "WAV"),
            "tagged",
        ),
        "257 channels.wav": (by_sndfile(np.ones((800, 257)), 8_000, "WAV"), "corrupt"),
        "nothing.wav": (b"", "empty_file"),
        "short.wav": (by_sndfile(music(0.2)[:, None], 16_000, "WAV"), "too_short"),
        "quiet.wav": (by_sndfile(np.zeros((16_000, 1)), 16_000, "WAV"), "silent"),
        "not a number.wav": (by_sndfile(np.full((16_000, 1), np.nan), 16_000, "WAV", "FLOAT"), "non_finite"),
        "cover.jpg": (b"\xff\xd8\xff", "skipped"),
        "._plain.wav": (b"\0\5\x16\7", "skipped"),
    }
    for name, (data, _) in files.items():
        (folder / name).write_bytes(data)
    with (folder / "ten gigabytes.wav").open("wb") as file:
        file.truncate(10 << 30)
    os.mkfifo(folder / "pipe.wav")
    links = {"zero.wav": "/dev/zero", "loop.wav": "loop.wav", "gone.wav": "no/where", "again": "."}
    for name, target in links.items():
        (folder / name).symlink_to(target)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.wav")  # an address is short
        yield {
            **dict.fromkeys(SOUND, "tagged"),
            **{name: became for name, (_, became) in files.items()},
            "ten gigabytes.wav": "too_large",
            **dict.fromkeys(("pipe.wav", "zero.wav", "loop.wav", "socket.wav"), "not_readable"),
            "gone.wav": "not_found",
            "again": "skipped",
        }


def became(output: Path) -> dict[str, str]:
    """What became of each track, by id: its status, or the kind of its one failure."""
    tables = open_tables(str(output))
    failures, tracks = tables.read("failures"), tables.read("tracks")
    assert failures["track_id"].is_unique
    assert tracks["track_id"].is_unique
    statuses = dict(zip(tracks["track_id"], tracks["status"], strict=True))
    kinds = dict(zip(failures["track_id"], failures["kind"], strict=True))
    assert {name for name, status in statuses.items() if status == "failed"} == set(kinds)
    return statuses | kinds


def job(source: Path, output: Path, bundle: Bundle) -> dict[str, Any]:
    """Run the job; the record of the run."""
    work = WorkSettings(read=ReadSettings(limits=LIMITS))
    return run(plan_run(source, output, bundle, work=work))


def fuzzed(folder: Path) -> dict[str, frozenset[str]]:
    """Put broken files of the fuzzer into a folder; what may become of each, as reading alone found it."""
    seeds, expected = composed_seeds(), {}
    with CaseReader(["step-mel@1"], LIMITS) as reader:
        for number in range(60):
            case = case_of(seeds, seed=11, number=number)
            path = folder / f"broken {case.name}"
            path.write_bytes(case.data)
            expected[path.name] = expected_in_job(case, reader.read(path))
    return expected


def test_each_poison_in_a_folder_is_one_row_with_its_reason_and_the_rest_is_tagged(
    tmp_path: Path, bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "music"
    folder.mkdir()
    monkeypatch.chdir(folder)  # a list may name what lies here
    broken = fuzzed(folder)
    with poison(folder) as expected:
        record = job(folder, tmp_path / "moods", bundle)
    found = {name.removeprefix(f"{folder}/"): one for name, one in became(tmp_path / "moods").items()}
    assert {name: one for name, one in found.items() if name not in broken} == expected
    assert {name: found[name] for name in broken if found[name] not in broken[name]} == {}
    outcomes = Counter(found.values())
    counts = record["counts"]
    assert counts["read"] == len(found) == len(broken) + len(expected)
    settled = {name: outcomes.pop(name, 0) for name in ("tagged", "duplicate", "skipped")}
    assert {name: counts[name] for name in settled} == settled
    assert (counts["failed"], record["failures"]) == (outcomes.total(), outcomes)


def test_each_poison_in_a_manifest_is_one_row_with_its_reason_and_the_rest_is_tagged(
    tmp_path: Path, bundle: Bundle
) -> None:
    (tmp_path / "a b.wav").write_bytes(by_sndfile(music(SOUND_S)[:, None], 16_000, "WAV"))
    long = "Ä" * 1000
    manifest = tmp_path / "catalogue.csv"
    rows = [
        "\ufefftrack_id,uri,title",
        f'{long},a b.wav,"of a thousand\ncharacters"',
        "twice,../nothing.wav,",
        "twice,a b.wav,",
        "scheme,nosuch://x/y.wav,",
        "null,a\0b.wav,",
        f"name,{'x' * 1000}.wav,",
        'quote,a b.wav,"never closed',
        "percent,a%20b.wav,",
        f"dots,../{tmp_path.name}/a b.wav,",
        "short,a b.wav",
        "last,./a b.wav,'",
    ]
    manifest.write_text("\n".join(rows), "utf-8")
    record = job(manifest, tmp_path / "moods", bundle)
    counts = {name: record["counts"][name] for name in ("read", "tagged", "duplicate", "failed", "skipped")}
    assert counts == {"read": 11, "tagged": 1, "duplicate": 2, "failed": 8, "skipped": 0}
    assert record["failures"] == {
        "bad_manifest_row": 2,
        "bad_uri": 2,
        "duplicate_id": 1,
        "not_found": 2,
        "not_readable": 1,
    }
    tracks = open_tables(str(tmp_path / "moods")).read("tracks")
    assert dict(zip(tracks["track_id"], tracks["title"], strict=True))[long] == "of a thousand\ncharacters"
