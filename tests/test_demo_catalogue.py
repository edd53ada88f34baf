"""The demo catalogue: what it promises to contain, and that it sounds as described."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import find_peaks, spectrogram

from pipelines.demo.albums import FORMATS, RELEASES, Release
from pipelines.demo.oddities import CUT_SHORT, DUPLICATED, EMPTY_JPEG, ODDITIES, SILENCE_S
from pipelines.demo.pieces import PIECES
from pipelines.demo.render import render
from pipelines.demo.score.harmony import MODES, parse_progression
from pipelines.demo.sound.room import ROOMS
from pipelines.demo.sound.voices import VOICES
from tests.composed import Composed, composed_catalogue

PIECE_OF = {piece.title: piece for piece in PIECES}
JINGLE = min(PIECES, key=lambda piece: piece.seconds)
LOSSY = {"vorbis", "opus", "mp3"}


@dataclass(frozen=True, slots=True)
class Heard:
    """What one decoded release is like."""

    release: Release
    rate_hz: int
    channels: int
    seconds: float
    rms_dbfs: float
    peak: float
    is_finite: bool
    centroid_hz: float
    onsets_per_s: float


def onset_rate(power: NDArray[np.float64], *, frame_s: float) -> float:
    """Onsets a second of a power spectrogram [bins, frames]: peaks in the rise of its loudness."""
    rise = np.maximum(np.diff(np.log1p(1e4 * power / power.mean()), axis=1), 0.0).mean(axis=0)
    peaks, _ = find_peaks(rise, prominence=0.4, distance=round(0.06 / frame_s))
    return float(len(peaks) / (frame_s * power.shape[1]))


def listen(release: Release, folder: Path) -> Heard:
    samples, rate_hz = soundfile.read(folder / release.path, dtype="float32", always_2d=True)
    hop = rate_hz // 100
    bins_hz, _, power = spectrogram(samples.mean(axis=1), rate_hz, nperseg=2048, noverlap=2048 - hop)
    amplitude = np.sqrt(power).sum(axis=1)
    return Heard(
        release=release,
        rate_hz=rate_hz,
        channels=samples.shape[1],
        seconds=len(samples) / rate_hz,
        rms_dbfs=10.0 * float(np.log10(np.mean(samples**2))),
        peak=float(np.abs(samples).max()),
        is_finite=bool(np.isfinite(samples).all()),
        centroid_hz=float((bins_hz * amplitude).sum() / amplitude.sum()),
        onsets_per_s=onset_rate(power, frame_s=hop / rate_hz),
    )


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Composed:
    return composed_catalogue(tmp_path_factory)


@pytest.fixture(scope="module")
def heard(catalogue: Composed) -> list[Heard]:
    return [listen(release, catalogue.folder) for release in RELEASES]


def means(heard: list[Heard], quadrants: set[str]) -> tuple[float, float]:
    """Mean spectral centroid and onset rate of the pieces in some quadrants."""
    chosen = [one for one in heard if PIECE_OF[one.release.title].quadrant in quadrants]
    return mean(one.centroid_hz for one in chosen), mean(one.onsets_per_s for one in chosen)


def test_the_same_piece_gives_the_same_samples() -> None:
    # To the last bit or two: how an array lies in memory may decide which of two roundings is taken.
    np.testing.assert_allclose(render(JINGLE), render(JINGLE), rtol=0, atol=1e-6)


def test_another_seed_gives_another_tune() -> None:
    assert not np.array_equal(render(JINGLE), render(replace(JINGLE, seed=JINGLE.seed + 1)))


@pytest.mark.parametrize("rate_hz", [22_050, 44_100, 48_000])
def test_a_piece_has_its_exact_length_and_its_level_at_every_rate(rate_hz: int) -> None:
    samples = render(JINGLE, rate_hz=rate_hz)
    assert samples.shape == (round(JINGLE.seconds * rate_hz), 2)
    assert samples.dtype == np.float32
    assert 10.0 * np.log10(np.mean(samples**2)) == pytest.approx(JINGLE.level_dbfs, abs=0.1)


def test_a_word_that_is_no_numeral_is_named() -> None:
    with pytest.raises(ValueError, match="'H'"):
        parse_progression("I IV H V")


def test_a_piece_without_room_for_a_bar_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        render(replace(JINGLE, seconds=2.0))


def test_every_mood_quadrant_has_as_many_pieces() -> None:
    assert set(Counter(piece.quadrant for piece in PIECES).values()) == {7}
    assert len({piece.seed for piece in PIECES}) == len(PIECES)


def test_every_voice_and_mode_and_room_is_heard_somewhere() -> None:
    assert {part.voice for piece in PIECES for part in piece.instruments} == set(VOICES)
    assert {piece.mode for piece in PIECES} == set(MODES)
    assert {piece.room for piece in PIECES} == set(ROOMS)


def test_every_piece_is_released_once_under_a_path_of_its_own() -> None:
    assert sorted(release.title for release in RELEASES) == sorted(PIECE_OF)
    assert len({release.path for release in RELEASES}) == len(RELEASES)


def test_all_files_are_written_and_reported(catalogue: Composed) -> None:
    total = len(RELEASES) + len(ODDITIES)
    assert set(catalogue.paths) == {path for path in catalogue.folder.rglob("*") if path.is_file()}
    assert catalogue.progress == [(done, total) for done in range(1, total + 1)]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_is_there_and_readable(catalogue: Composed, name: str) -> None:
    paths = [catalogue.folder / release.path for release in RELEASES if release.audio_format == name]
    assert paths
    for path in paths:
        info = soundfile.info(path)
        assert (info.format, info.subtype) == (FORMATS[name].container, FORMATS[name].subtype)


def test_every_release_decodes_to_its_rate_channels_and_length(heard: list[Heard]) -> None:
    for one in heard:
        release = one.release
        assert (one.rate_hz, one.channels) == (release.rate_hz, release.channels), release
        slack_s = 0.1 if release.audio_format in LOSSY else 1.0 / release.rate_hz
        assert one.seconds == pytest.approx(PIECE_OF[release.title].seconds, abs=slack_s), release


def test_mono_and_other_rates_and_other_letters_are_among_the_files() -> None:
    assert {release.channels for release in RELEASES} == {1, 2}
    assert {release.rate_hz for release in RELEASES} == {22_050, 44_100, 48_000}
    assert any(not str(release.path).isascii() for release in RELEASES)


def test_nothing_clips_and_everything_is_finite(heard: list[Heard]) -> None:
    for one in heard:
        assert one.is_finite, one
        assert one.peak <= 1.0, one


def test_the_softest_and_the_loudest_are_far_apart(heard: list[Heard]) -> None:
    levels = [one.rms_dbfs for one in heard]
    assert max(levels) - min(levels) >= 15.0


def test_energetic_pieces_are_brighter_and_busier_than_quiet_ones(heard: list[Heard]) -> None:
    energetic_hz, energetic_onsets = means(heard, {"happy", "tense"})
    quiet_hz, quiet_onsets = means(heard, {"sad", "calm"})
    assert energetic_hz > 1.2 * quiet_hz
    assert energetic_onsets > 1.5 * quiet_onsets


def test_one_file_and_only_one_decodes_to_the_samples_of_another(catalogue: Composed) -> None:
    digests: dict[str, list[str]] = {}
    for path in catalogue.paths:
        if path.suffix in {".wav", ".flac"} and path.name != "Half a Tide.flac":
            samples, _ = soundfile.read(path, dtype="int32")
            digest = hashlib.sha256(samples.tobytes()).hexdigest()
            digests.setdefault(digest, []).append(path.relative_to(catalogue.folder).as_posix())
    shared = [names for names in digests.values() if len(names) > 1]
    assert shared == [[DUPLICATED, "Odds & Ends/Porch Before Breakfast.wav"]]


def test_the_blank_tape_is_digital_silence(catalogue: Composed) -> None:
    samples, rate_hz = soundfile.read(catalogue.folder / "Odds & Ends/Blank Tape.flac")
    assert len(samples) == SILENCE_S * rate_hz
    assert not samples.any()


def test_the_file_cut_short_promises_more_than_it_holds(catalogue: Composed) -> None:
    path = catalogue.folder / "Odds & Ends/Half a Tide.flac"
    whole = (catalogue.folder / CUT_SHORT).read_bytes()
    assert whole.startswith(path.read_bytes())
    assert path.stat().st_size == int(0.6 * len(whole))
    assert soundfile.info(path).frames == soundfile.info(catalogue.folder / CUT_SHORT).frames


@pytest.mark.parametrize("name", ["Odds & Ends/Lost Recording.mp3", "Odds & Ends/notes.txt"])
def test_text_is_no_audio_whatever_its_name(catalogue: Composed, name: str) -> None:
    assert "composed by a program" in (catalogue.folder / name).read_text(encoding="utf-8")
    with pytest.raises(soundfile.LibsndfileError):
        soundfile.info(catalogue.folder / name)


def test_the_cover_is_no_audio(catalogue: Composed) -> None:
    assert (catalogue.folder / "Lakeside Sketches/cover.jpg").read_bytes() == EMPTY_JPEG
