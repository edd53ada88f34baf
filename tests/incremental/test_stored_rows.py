"""Rows of all tables go into the next run as they are; only what decides on them is applied anew."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pandas as pd
import soundfile

from models.antonyms.antonym_rnn import AntonymSettings
from models.bundle_files import read_bundle
from pipelines.tables import open_tables
from tests.bundles import OTHERS, TAGS, Planned, write_bundle
from tests.jobs import plan_run, run
from tests.sounds import music
from transforms.tagging.worker import WorkSettings

QUALITY = {
    "grades": list("ABCDABCD"),
    "off": ["tag1", "tag3"],
    "opposites": [["tag0", "tag1"]],
    "provenance": "made up",
}
ANTONYMS = Planned("calm-excited", "antonym-rnn", AntonymSettings("calm-excited", units=4, dense=4))
TABLES = ("mood_tags", "emotion_curves", "antonyms")


def rows_of(output: Path) -> dict[str, pd.DataFrame]:
    """Current rows of all tables of results, by the names of their files."""
    tables = open_tables(str(output))
    found = {}
    for name in TABLES:
        rows = tables.read(name).drop(columns="run_id")
        rows["track_id"] = rows["track_id"].map(lambda uri: Path(uri).name)
        found[name] = rows.sort_values(list(rows.columns[:2]), ignore_index=True)
    return found


def test_asking_for_all_tags_decides_anew_and_leaves_curves_and_antonyms_as_they_are(tmp_path: Path) -> None:
    source, output = tmp_path / "music", tmp_path / "moods"
    source.mkdir()
    for seed in (1, 2):
        soundfile.write(source / f"{seed}.wav", music(10.0 + seed, seed=seed, rate_hz=22_050), 22_050)
    folder = write_bundle(tmp_path / "bundle", [*OTHERS, ANTONYMS], tags=TAGS).folder
    index = json.loads((folder / "bundle.json").read_text())
    thresholds = {"values": [0.05] * len(TAGS), "provenance": "none"}
    (folder / "bundle.json").write_text(json.dumps({**index, "quality": QUALITY, "thresholds": thresholds}))
    bundle, all_tags = read_bundle(folder), WorkSettings(all_tags=True)
    run(plan_run(source, output, bundle))
    before = rows_of(output)
    shutil.copytree(source, tmp_path / "copy")
    run(plan_run(tmp_path / "copy", tmp_path / "fresh", bundle, work=all_tags))
    for file in source.iterdir():  # nothing to hear, but the same size and time of change
        state = file.stat()
        file.write_bytes(b"\0" * state.st_size)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    record = run(plan_run(source, output, bundle, work=all_tags))
    assert record["reasons"] == {"decisions": 2}
    assert record["audio_s"] == 0
    after, expected = rows_of(output), rows_of(tmp_path / "fresh")
    for name in TABLES:
        assert len(after[name])
        pd.testing.assert_frame_equal(after[name], expected[name], check_exact=True)
    for name in ("emotion_curves", "antonyms"):
        pd.testing.assert_frame_equal(after[name], before[name], check_exact=True)
    for rows, tagged in ((before, 0), (after, 1)):
        tags = rows["mood_tags"]
        assert len(tags[(tags["tag"] == "tag3") & tags["tagged"]]) == 2 * tagged
