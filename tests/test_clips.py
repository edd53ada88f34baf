"""The default bundle's clips: what a data folder holds, folds, and what their variants sound like."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.training.data.sets.emotify import EMOTIONS
from models.training.recipe import FOLDS
from pipelines.training import clips as module
from pipelines.training.clips import (
    CODED,
    PLAIN,
    SPEED,
    VARIANTS,
    Clip,
    decode,
    folds_of,
    read_clips,
    speed_of,
)
from schemas.errors import DataError, FailureKind
from tests.sounds import clicks, music

SECONDS = 3.0


def moods4q(folder: Path, names: Sequence[str]) -> Path:
    """A folder in the form of 4Q, two clips an artist; files are named, not heard."""
    (folder / "moods4q" / "audio").mkdir(parents=True)
    lines = ["track_id,artist,quadrant,valence,arousal,moods"]
    for place, name in enumerate(names):
        quadrant = f"Q{place // 2 % 4 + 1}"
        lines.append(f"{name},Artist {place // 2},{quadrant},0.{place % 9},-0.{place % 7},Calm; Quiet")
        (folder / "moods4q" / "audio" / f"{name}.wav").write_bytes(b"sound")
    (folder / "moods4q" / "tracks.csv").write_text("\n".join(lines), encoding="utf-8")
    return folder


def emotify(folder: Path, names: Sequence[str]) -> Path:
    """A folder in the form of Emotify."""
    (folder / "emotify" / "audio").mkdir(parents=True)
    lines = [",".join(["track_id", "genre", *EMOTIONS]), *(f"{name},rock{',0.5' * 9}" for name in names)]
    (folder / "emotify" / "tracks.csv").write_text("\n".join(lines), encoding="utf-8")
    for name in names:
        (folder / "emotify" / "audio" / f"{name}.wav").write_bytes(b"sound")
    return folder


@pytest.fixture
def sound(tmp_path: Path) -> Path:
    path = tmp_path / "sound.wav"
    sides = [music(SECONDS, rate_hz=22_050, seed=seed) for seed in (1, 2)]
    soundfile.write(path, np.stack(sides, axis=1), 22_050, subtype="FLOAT")
    return path


def clip(path: Path, clip_id: str = "one") -> Clip:
    return Clip(clip_id, "moods4q", "moods4q:artist", "moods4q:Q1", path)


# What is read.


def test_clips_of_all_sets_are_read_in_the_order_of_their_ids(tmp_path: Path) -> None:
    moods4q(emotify(tmp_path, ["b1", "a2"]), ["b2", "a1"])
    found = read_clips(tmp_path)
    assert [(one.clip_id, one.source) for one in found] == [
        ("a1", "moods4q"),
        ("a2", "emotify"),
        ("b1", "emotify"),
        ("b2", "moods4q"),
    ]
    first, second = found[:2]
    assert (first.group, first.stratum) == ("moods4q:artist 0", "moods4q:Q1")
    assert (first.affect, first.words) == ((0.1, -0.1), ("Calm", "Quiet"))
    assert first.path == tmp_path / "moods4q" / "audio" / "a1.wav"
    assert (second.group, second.stratum, second.affect) == ("emotify:a2", "emotify:rock", None)
    assert second.shares == dict.fromkeys(EMOTIONS, 0.5)


def test_a_set_of_ones_own_is_read_beside_them_or_alone(tmp_path: Path) -> None:
    (tmp_path / "own" / "audio").mkdir(parents=True)
    lines = ["track_id,group,tags,valence,arousal"]
    for name in ("x", "y", "z"):
        lines.append(f"{name},Ann,calm,0.5,-0.25")
        (tmp_path / "own" / "audio" / f"{name}.flac").write_bytes(b"sound")
    (tmp_path / "own" / "tracks.csv").write_text("\n".join(lines), encoding="utf-8")
    found = read_clips(tmp_path)
    assert [(one.clip_id, one.group, one.affect) for one in found] == [
        (name, "own:ann", (0.5, -0.25)) for name in ("x", "y", "z")
    ]
    assert len(read_clips(moods4q(tmp_path, ["a"]))) == 4


def test_a_folder_without_any_set_is_not_found(tmp_path: Path) -> None:
    (tmp_path / "jamendo").mkdir()
    with pytest.raises(DataError, match="none of the folders moods4q, emotify, own is there") as caught:
        read_clips(tmp_path)
    assert caught.value.kind is FailureKind.NOT_FOUND


def test_two_clips_of_one_id_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="two clips of one id: same") as caught:
        read_clips(emotify(moods4q(tmp_path, ["a", "same"]), ["same", "b"]))
    assert caught.value.kind is FailureKind.BAD_INPUT


# Folds.


def made_up(count: int) -> list[Clip]:
    """Clips of artists with one to four of them, in four strata of two sets."""
    rng = np.random.default_rng(2)
    artists = np.repeat(np.arange(count), rng.integers(1, 5, count))[:count]
    strata = rng.choice(["moods4q:Q1", "moods4q:Q2", "moods4q:Q3", "emotify:rock"], count)
    return [
        Clip(f"c{k:03d}", "moods4q", f"moods4q:artist {artist}", str(stratum), Path(f"c{k}.wav"))
        for k, (artist, stratum) in enumerate(zip(artists, strata, strict=True))
    ]


def test_folds_keep_groups_whole_and_hold_an_even_share_of_every_stratum() -> None:
    clips = made_up(400)
    folds = folds_of(clips)
    homes: dict[str, set[int]] = {}
    for one, fold in zip(clips, folds.tolist(), strict=True):
        homes.setdefault(one.group, set()).add(fold)
    assert {len(home) for home in homes.values()} == {1}
    assert set(folds) == set(range(FOLDS))
    strata = np.array([one.stratum for one in clips])
    for stratum in set(strata):
        counts = np.bincount(folds[strata == stratum], minlength=FOLDS)
        assert np.abs(counts - (strata == stratum).sum() / FOLDS).max() <= 4


def test_folds_do_not_depend_on_the_order_of_the_clips() -> None:
    clips = made_up(100)
    mixed = [clips[place] for place in np.random.default_rng(3).permutation(100)]
    here, there = (
        {one.clip_id: fold for one, fold in zip(some, folds_of(some).tolist(), strict=True)}
        for some in (clips, mixed)
    )
    assert here == there


def test_no_artist_of_the_research_sets_is_in_two_folds(shared_data: Path) -> None:
    if not (shared_data / "moods4q").is_dir():
        pytest.skip("the research data are not here")
    clips = [one for one in read_clips(shared_data) if one.source in ("moods4q", "emotify")]
    folds = folds_of(clips)
    assert Counter(one.source for one in clips) == {"moods4q": 640, "emotify": 297}
    assert np.ptp(np.bincount(folds)) <= 10
    artists = [
        {one.group for one, at in zip(clips, folds, strict=True) if at == fold} for fold in range(FOLDS)
    ]
    assert sum(map(len, artists)) == len(set().union(*artists))


# Variants.


def test_only_the_variant_of_another_speed_has_one() -> None:
    assert VARIANTS == (PLAIN, SPEED, CODED)
    assert {speed_of("one", variant) for variant in (PLAIN, CODED)} == {1.0}
    speeds = np.array([speed_of(f"clip {k}", SPEED) for k in range(400)])
    assert (np.abs(speeds - 1.0) >= 0.04).all()
    assert (np.abs(speeds - 1.0) <= 0.125).all()
    # Half of them slower, half of them faster.
    assert 150 < (speeds > 1.0).sum() < 250
    assert len(set(speeds)) == 400


def test_a_clips_speed_is_always_the_same() -> None:
    assert speed_of("one", SPEED) == speed_of("one", SPEED) != speed_of("two", SPEED)


def test_a_plain_clip_is_mono_at_16_khz(sound: Path) -> None:
    samples = decode(clip(sound), PLAIN)
    assert samples.dtype == np.float32
    assert samples.shape == (round(SECONDS * 16_000),)


@pytest.mark.parametrize("clip_id", ["one", "two", "three"])
def test_another_speed_is_as_much_shorter_as_it_is_faster(clip_id: str, sound: Path) -> None:
    samples = decode(clip(sound, clip_id), SPEED)
    expected = SECONDS * 16_000 / speed_of(clip_id, SPEED)
    assert len(samples) == pytest.approx(expected, abs=3)


def test_another_speed_moves_what_sounds_and_its_pitch(tmp_path: Path) -> None:
    time = np.arange(4 * 16_000) / 16_000
    soundfile.write(tmp_path / "tone.wav", (0.3 * np.sin(2 * np.pi * 1000 * time)).astype(np.float32), 16_000)
    samples = decode(clip(tmp_path / "tone.wav"), SPEED)
    peak_hz = float(np.argmax(np.abs(np.fft.rfft(samples, 16_000 * 4)))) / 4
    assert peak_hz == pytest.approx(1000 * speed_of("one", SPEED), abs=1.0)


def coding_of(clip_id: str) -> str:
    """The coding that a clip's hash draws."""
    return module._CODINGS[int(module._drawn(clip_id).integers(len(module._CODINGS)))]


IDS = {coding_of(f"clip {k}"): f"clip {k}" for k in range(100)}


def test_every_coding_is_drawn_by_some_clip() -> None:
    assert set(IDS) == set(module._CODINGS)


@pytest.mark.parametrize("coding", IDS)
def test_a_coded_clip_is_about_as_long_and_sounds_nearly_the_same(coding: str, sound: Path) -> None:
    plain, coded = (decode(clip(sound, IDS[coding]), variant) for variant in (PLAIN, CODED))
    # Codecs begin late and end late by less than a few frames of theirs.
    assert -0.01 * 16_000 < len(coded) - len(plain) < 0.15 * 16_000
    assert np.isfinite(coded).all()
    size = min(len(plain), len(coded)) // 1024 * 1024
    levels = [
        np.abs(np.fft.rfft(some[:size].reshape(-1, 1024))).mean(axis=0)[:200] for some in (plain, coded)
    ]
    assert np.corrcoef(np.log(levels[0]), np.log(levels[1]))[0, 1] > 0.8
    assert not np.array_equal(plain[:size], coded[:size])


def test_a_coded_clip_is_the_same_each_time_and_leaves_no_file(
    sound: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scratch").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    first, again = (decode(clip(sound, IDS["MP3 64 kbit/s"]), CODED) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert not list((tmp_path / "scratch").iterdir())


def test_clipping_is_heard_where_a_clip_is_loud(tmp_path: Path) -> None:
    loud = clicks(2.0, every_s=0.1) * 1.6
    soundfile.write(tmp_path / "loud.wav", loud, 16_000, subtype="FLOAT")
    coded = decode(clip(tmp_path / "loud.wav", IDS["gain +6 dB, clipped"]), CODED)
    assert np.abs(loud).max() * 2 > 1.2
    assert 0.99 < np.abs(coded).max() <= 1.0


@pytest.mark.parametrize("variant", VARIANTS)
def test_what_is_no_audio_is_refused(variant: str, tmp_path: Path) -> None:
    (tmp_path / "text.wav").write_text("no audio")
    with pytest.raises(DataError) as caught:
        decode(clip(tmp_path / "text.wav"), variant)
    assert caught.value.kind is FailureKind.NOT_AUDIO
