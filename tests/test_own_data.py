"""The source `own`: a folder with a table of labels to a data set, refusals, and trainings to bundles."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.bundle_files import read_bundle
from models.training.data.form import DataSet, antonym_targets
from models.training.data.spec import describe_sources, open_data
from models.training.systems.plan import Choices, plan_system
from models.training.systems.targets import split, targets_of
from pipelines.option_hints import HintingParser
from pipelines.tables import open_tables
from pipelines.training.command import add_train
from schemas.errors import DataError, FailureKind
from tests.jobs import plan_run, run
from tests.sounds import clicks, music

RATE_HZ = 16_000


def table(root: Path, *lines: str, name: str = "tracks.csv") -> Path:
    root.mkdir(parents=True, exist_ok=True)
    (root / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    return root


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"sound")
    return folder


def opened(root: Path, *options: str) -> DataSet:
    return open_data(",".join((f"own={root}", *options)))


def ids(data: DataSet, part: str) -> list[str]:
    return [track.track_id for track in data.tracks if track.split == part]


def rows(count: int, *, artists: int, tags: Sequence[str] = ("calm", "wild")) -> list[str]:
    """Rows of track_id, group, tags, valence, arousal."""
    return [
        f"t{k:03d},Artist {k % artists},{tags[k % len(tags)]},{0.1 * (k % 9) - 0.4:.1f},{0.1 * (k % 5):.1f}"
        for k in range(count)
    ]


# --- what is read


def test_a_row_becomes_a_track_and_an_empty_cell_says_nothing(tmp_path: Path) -> None:
    root = table(
        tmp_path,
        "track_id,path,group,split,tags,valence,arousal,pair:calm/excited,isrc",
        "A1,x/one.flac, Ann  North ,train,calm; very  warm;calm,0.5,-0.25,0.75,DE1",
        "B2,,,validation,calm,,,,",
        "C3,,,test,,,,,",
    )
    touch(root, "x/one.flac", "audio/B2.MP3", "audio/C3.ogg")
    data = opened(root, "min_tracks=1", "terms=cleared by North Music")
    first, second = data.tracks
    assert (first.track_id, first.group, first.audio) == ("A1", "ann north", str(root / "x/one.flac"))
    assert (first.tags, first.static, first.split) == (("calm", "very warm"), (0.5, -0.25), "train")
    assert (second.group, second.static, second.shares) == ("B2", None, {})
    assert second.audio == str(root / "audio/B2.MP3")
    assert (data.name, data.terms, data.tags) == ("own", "cleared by North Music", ("calm", "very warm"))
    assert data.notes == (
        "tracks.csv: columns not read: isrc",
        "tracks.csv: 1 of 3 tracks have no label and are left out",
        "tags that no validation track has, and that the bundle never gives: very warm",
    )
    (pair,) = data.pairs
    known, targets = antonym_targets(data.tracks, pair)
    assert (pair.name, [track.track_id for track in known]) == ("calm-excited", ["A1"])
    assert targets.tolist() == [[0.75, 0.25]]


@pytest.mark.parametrize(
    ("scale", "valence", "arousal"), [("-1..1", "0.5", "-1"), ("1..9", "7", "1"), ("-0.5..0.5", ".25", "-.5")]
)
def test_ratings_of_other_scales_become_ours(scale: str, valence: str, arousal: str, tmp_path: Path) -> None:
    root = table(tmp_path, "track_id,valence,arousal", f"a,{valence},{arousal}")
    assert opened(root, f"scale={scale}").tracks[0].static == (0.5, -1.0)


def test_a_manifest_of_the_main_job_with_labels_is_a_table_too(tmp_path: Path) -> None:
    root = table(tmp_path, "track_id,uri,tags", "a,sub/x.wav,calm", f"b,{tmp_path}/y.wav,calm", name="m.csv")
    touch(root, "sub/x.wav", "y.wav")
    data = opened(root, "file=m.csv", "min_tracks=2")
    assert [track.audio for track in data.tracks] == [str(root / "sub/x.wav"), str(root / "y.wav")]


def test_rare_tags_are_left_out_and_their_tracks_stay(tmp_path: Path) -> None:
    lines = [f"t{k},{'calm' if k < 5 else 'Calm;odd'}" for k in range(9)]
    data = opened(table(tmp_path, "track_id,tags", *lines))
    assert (data.tags, len(data.tracks)) == (("calm",), 9)
    assert "2 of 3 tags have fewer than 5 tracks and are left out: Calm (4), odd (4)" in data.notes
    assert "tags that differ in case only: Calm and calm" in data.notes


def test_curves_are_read_by_track_on_their_own_clock_and_scale(tmp_path: Path) -> None:
    root = table(tmp_path, "track_id,group", "a,x", "b,y")
    table(root / "rated", "time_s,valence,arousal", "2.0,5,9", "2.25,1,5", "2.5,3,5", name="a.csv")
    table(root / "rated", "anything", name="z.csv")
    data = opened(root, "curves=rated", "scale=1..9")
    (track,) = data.tracks
    assert track.curve is not None
    assert (track.curve.start_s, track.curve.step_s) == (2.0, 0.25)
    assert track.curve.values.tolist() == [[0.0, 1.0], [-1.0, 0.0], [-0.5, 0.0]]
    assert "1 files of rated are of no track, such as z.csv" in data.notes


# --- splits


def test_without_a_split_groups_stay_whole_under_a_seed_whatever_the_order(tmp_path: Path) -> None:
    head, lines = "track_id,group,tags,valence,arousal", rows(200, artists=50)
    data = opened(table(tmp_path / "a", head, *lines))
    counts = [len(ids(data, part)) for part in ("train", "validation", "test")]
    assert counts == [152, 24, 24]
    assert "split by group, seed 1: 152 train, 24 validation, 24 test" in data.notes
    sides = {(track.group, track.split) for track in data.tracks}
    assert len(sides) == 50
    backwards = opened(table(tmp_path / "b", head, *lines[::-1]))
    assert sorted(ids(backwards, "test")) == ids(data, "test")
    assert ids(opened(tmp_path / "a", "seed=2"), "test") != ids(data, "test")
    halves = opened(tmp_path / "a", "shares=.5/.5/0")
    assert [len(ids(halves, part)) for part in ("train", "validation", "test")] == [104, 96, 0]


def test_a_test_track_is_one_for_taggers_and_for_regressors(tmp_path: Path) -> None:
    lines = [
        line if k % 3 else f"t{k:03d},Artist {k % 20},,0.1,0.2" for k, line in enumerate(rows(60, artists=20))
    ]
    root = table(tmp_path, "track_id,group,tags,valence,arousal", *lines)
    tagged, rated = opened(root, "labels=tags"), opened(root, "labels=emotion")
    assert (len(tagged.tracks), len(rated.tracks)) == (40, 60)
    assert (tagged.tags, rated.tags) == (("calm", "wild"), ())
    assert set(ids(tagged, "test")) == set(ids(rated, "test")) & {track.track_id for track in tagged.tracks}


def test_a_table_without_groups_is_told_what_they_are_for(tmp_path: Path) -> None:
    data = opened(table(tmp_path, "track_id,tags", *(f"t{k},calm" for k in range(10))))
    assert "split by track, seed 1: 8 train, 1 validation, 1 test; a column group would keep" in data.notes[0]


# --- refusals

HEAD = "track_id,path,group,split,tags,valence,arousal"


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["id,tags", "a,calm"], "tracks.csv has no column 'track_id'; it has id, tags"),
        (["track_id;tags", "a;calm"], "no column 'track_id'; it has track_id;tags"),
        (["track_id,tags"], "tracks.csv has no rows"),
        (["track_id,tags,tags", "a,b,c"], "tracks.csv has column 'tags' twice"),
        ([HEAD, ",,,,calm,,"], "tracks.csv, row 2: track_id is empty"),
        ([HEAD, "a,,,,calm,,", "a,,,,wild,,"], "tracks.csv, row 3: track_id 'a' is there twice"),
        ([HEAD, "a,,,,calm,0,0,1"], "tracks.csv, row 2 has 8 cells, the header 7: '1' has no column"),
        ([HEAD, "a,,,,,1.5,0"], "row 2, track a, column valence: '1.5' is not a number from -1 to 1"),
        ([HEAD, "a,,,,,0,nan"], "row 2, track a, column arousal: 'nan' is not a number"),
        ([HEAD, 'a,,,,,"0,5",0'], "column valence: '0,5' is not a number"),
        ([HEAD, "a,,,,,0.5,"], "row 2, track a: valence '0.5' alone"),
        ([HEAD, "a,,,,,,0.5"], "row 2, track a: arousal '0.5' alone"),
        ([HEAD, "a,,,dev,calm,,"], "row 2, track a: split 'dev' is not one of train, validation, test"),
        ([HEAD, "a,,,train,calm,,", "b,,,,calm,,"], "row 3, track b: split is empty"),
        (
            [HEAD, "a,,Ann,train,calm,,", "b,,ann,test,calm,,"],
            "row 3, track b: group 'ann' is in test here, in train at row 2, track a",
        ),
        ([HEAD, "a,,,,calm,0,0", "b,,,,,0,0"], "1 of 2 labelled tracks have no tags, such as b"),
        ([HEAD, "a,,x,,,,"], "no track has a label in tags, in valence and arousal"),
        (["track_id,Tags", "a,calm"], "no track has a label .* its columns are track_id, Tags"),
        (["track_id,pair:calm/excited", "a,2"], "column pair:calm/excited: '2' is not a number from 0 to 1"),
        (["track_id,pair:calm", "a,1"], "column 'pair:calm' is not pair:FIRST/SECOND"),
        (["track_id,pair:a b/c", "a,1"], "column 'pair:a b/c' is not pair:FIRST/SECOND, two plain words"),
        (["track_id,pair:calm/calm", "a,1"], "column 'pair:calm/calm' is not"),
    ],
)
def test_a_table_with_a_fault_is_refused_by_file_row_and_value(
    lines: list[str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        opened(table(tmp_path, *lines))
    assert caught.value.kind is FailureKind.BAD_INPUT


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("scale=0..1", "scale=0..1 is not one of -1..1, 1..9, -0.5..0.5"),
        ("scale=1..9", "row 2, track a, column valence: '0.5' is not a number from 1 to 9"),
        ("labels=tag", "labels=tag is not one of tags, emotion, pairs"),
        ("labels=pairs", "labels=pairs: no track of tracks.csv has any"),
        ("labels=tags", "1 of 1 tags have fewer than 5 tracks and are left out: calm \\(1\\); min_tracks=N"),
        ("min_tracks=few", "min_tracks=few is not a whole number"),
        ("shares=.8/.2", "shares=.8/.2 is not TRAIN/VALIDATION/TEST"),
        ("shares=.8/.1/.2", "shares=.8/.1/.2 is not"),
        ("shares=1/0/0", "shares=1/0/0 is not"),
        ("shares=a/b/c", "shares=a/b/c is not"),
        ("file=other.csv", "other.csv is not in the data folder"),
        ("audio=gone", "audio folder gone does not exist"),
        ("curves=gone", "folder of curves gone does not exist"),
        ("curves=.", "none of the 1 tracks has a curve ID.csv"),
        ("lables=tags", "own has no key 'lables'; did you mean labels?"),
    ],
)
def test_an_option_that_does_not_fit_is_refused(option: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=message):
        opened(table(tmp_path, "track_id,tags,valence,arousal", "a,calm,0.5,0.5"), option)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["time_s,valence", "0,0"], "a.csv has no column 'arousal'"),
        (["time_s,valence,arousal", "0,0,0"], "a.csv has one row"),
        (["time_s,valence,arousal", "0,0,0", "0.5,2,0"], "a.csv, row 3, column valence: '2' is not a number"),
        (["time_s,valence,arousal", "0,0,0", "0.5,,0"], "a.csv, row 3, column valence: ''"),
        (["time_s,valence,arousal", "-1,0,0", "0.5,0,0"], "a.csv, row 2, column time_s: '-1'"),
        (["time_s,valence,arousal", "0,0,0", "0.5,0,0", "2,0,0"], "a.csv, row 3: time_s 0.5 is not at even"),
        (["time_s,valence,arousal", "1,0,0", "1,0,0"], "a.csv, row 2: time_s 1 is not at even steps"),
    ],
)
def test_a_curve_with_a_fault_is_refused_by_file_row_and_value(
    lines: list[str], message: str, tmp_path: Path
) -> None:
    root = table(tmp_path, "track_id", "a")
    table(root / "rated", *lines, name="a.csv")
    with pytest.raises(DataError, match=message):
        opened(root, "curves=rated")


def test_audio_that_is_not_there_is_refused_by_row_or_left_out(tmp_path: Path) -> None:
    root = table(tmp_path, "track_id,path,tags", "a,x.wav,calm", "b,,calm", "c,gs://bucket/c.wav,calm")
    touch(root, "x.wav")
    with pytest.raises(DataError, match=r"row 4, track c: 'gs://bucket/c.wav' is not a file in") as caught:
        opened(root)
    assert caught.value.kind is FailureKind.NOT_FOUND
    data = opened(root, "partial=yes")
    assert [track.track_id for track in data.tracks] == ["a"]
    assert "2 of 3 tracks left out: no audio" in data.notes
    table(root, "track_id,path,tags", "a,x.wav,calm", "b,,calm")
    with pytest.raises(DataError, match=r"1 of 2 tracks have no audio in .*, such as b; partial=yes"):
        opened(root)


def test_labels_without_any_audio_are_read_for_ready_features(tmp_path: Path) -> None:
    data = opened(table(tmp_path, "track_id,tags", "a,calm"))
    assert "no folder of audio and no column path: labels only" in data.notes


def test_the_list_of_sets_tells_the_form_of_the_table() -> None:
    text = describe_sources()
    for said in ("own: your own tracks", "pair:FIRST/SECOND", "scale=", "min_tracks=", "labels=", "terms="):
        assert said in text


# --- trainings


@pytest.fixture(scope="module")
def cleared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve composed tracks of 4 s by six artists: half quiet, half with clicks."""
    root = tmp_path_factory.mktemp("cleared")
    (root / "audio").mkdir()
    lines = ["track_id,uri,group,tags,valence,arousal"]
    for k in range(12):
        samples = music(4.0, seed=k) * (0.2 if k % 2 else 1.0)
        samples += clicks(4.0, every_s=0.2) if k % 2 == 0 else np.float32(0)
        soundfile.write(root / "audio" / f"t{k}.wav", samples, RATE_HZ, subtype="FLOAT")
        labels = "calm,-0.2,-0.6" if k % 2 else "wild;happy,0.4,0.7"
        lines.append(f"t{k},audio/t{k}.wav,artist {k // 2},{labels}")
    return table(root, *lines)


def test_a_tagger_trained_on_a_folder_of_ones_own_tags_music(cleared: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "ours"
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers(parser_class=HintingParser))
    spec = f"own={cleared},min_tracks=2,terms=cleared by North Music"
    words = ["train", "crnn", "--data", spec, "--output", str(bundle), "--preset", "compact", "--epochs", "2"]
    small = ("channels=4,4,4,4,8,8", "units=4", "dense=8")
    words += ["--workers", "1", "--threads", "1", *(f"--set={change}" for change in small)]
    arguments = parser.parse_args(words)
    assert arguments.run(arguments, []) == 0
    assert "own: cleared by North Music" in (bundle / "card.md").read_text()
    record = run(plan_run(cleared / "tracks.csv", tmp_path / "out", read_bundle(bundle)))
    assert record["counts"]["tagged"] == 12
    tags = open_tables(str(tmp_path / "out")).read("mood_tags")
    assert set(tags["track_id"]) == {f"t{k}" for k in range(12)}
    assert set(tags["tag"]) == {"calm", "happy", "wild"}


def test_regressors_learn_from_the_rated_tracks_of_a_table(cleared: Path) -> None:
    data = opened(cleared, "labels=emotion")
    (plan,) = plan_system("gru", data, Choices("compact")).members
    parts = split(data, seed=1)
    targets = targets_of(parts["train"], data, plan)
    assert sorted(targets) == sorted(ids(data, "train"))
    by_id = {track.track_id: track.static for track in data.tracks}
    assert all(target.tolist() == pytest.approx(by_id[name]) for name, target in targets.items())
