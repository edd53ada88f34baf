"""Robustness: the forms of a file, what is compared, and that nothing changes where nothing was changed."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.bundle import Bundle
from models.registry import Role
from models.training.reporting.robustness_figures import curve_figures, decisions_changed, tag_figures
from models.training.reporting.robustness_plot import ROBUSTNESS, draw_robustness
from models.training.reporting.robustness_text import robustness_text
from pipelines.training import robustness
from pipelines.training.clips import Clip
from pipelines.training.forms import FORMS, ORIGINAL, read_sound
from pipelines.training.robustness import measure_robustness
from schemas.errors import DataError
from tests.bundles import MEMBERS, TAGS, Planned, write_bundle
from tests.oracle import Oracle, read
from tests.sounds import music
from transforms.decoding.audio import open_audio
from transforms.decoding.audio_format import AudioFormat
from transforms.tagging.in_memory import FileTagger, TaggedTrack, load_tagger

TAGGERS, REGRESSORS = slice(0, 3), slice(3, 5)
DIFFERENT = {name: form for name, form in FORMS.items() if name in ("16 kHz", "first 5 s cut")}


def _clip(folder: Path, seconds: float, *, seed: int = 7, level: float = 1.0) -> Clip:
    """A clip of stereo sound at 22.05 kHz."""
    sides = [music(seconds, rate_hz=22_050, seed=seed + side) for side in (0, 1)]
    path = folder / f"{seed}.wav"
    soundfile.write(path, level * np.stack(sides, axis=1), 22_050, subtype="FLOAT")
    return Clip(f"clip {seed}", "made", f"artist {seed}", "Q1", path)


@pytest.fixture(scope="module")
def tagger(small_bundle: Bundle) -> FileTagger:
    """The models of the small bundle, loaded once."""
    return load_tagger(small_bundle)


@pytest.fixture(autouse=True)
def loaded_once(small_bundle: Bundle, tagger: FileTagger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Measurements of the small bundle take its loaded models, those of another bundle load them."""

    def load(bundle: Bundle) -> FileTagger:
        return tagger if bundle.sha256 == small_bundle.sha256 else load_tagger(bundle)

    monkeypatch.setattr(robustness, "load_tagger", load)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    return [_clip(tmp_path, 9.0, seed=seed) for seed in (1, 11)]


def _format(data: bytes, folder: Path) -> AudioFormat:
    (folder / "sound").write_bytes(data)
    with (folder / "sound").open("rb") as file:
        return open_audio(file)[0]


def _part(folder: Path, members: slice, tags: tuple[str, ...]) -> Bundle:
    return write_bundle(folder, [Planned(*member) for member in MEMBERS[members]], tags=tags)


@pytest.mark.parametrize("rate_hz", [11_025, 24_000, 44_100])
@pytest.mark.parametrize("name", FORMS)
def test_a_form_is_a_file_that_decodes_to_as_much_sound(name: str, rate_hz: int, tmp_path: Path) -> None:
    form = FORMS[name]
    (tmp_path / "form").write_bytes(form.change(music(8.0, rate_hz=rate_hz), rate_hz))
    with (tmp_path / "form").open("rb") as file:
        pieces = list(open_audio(file)[1])
    seconds = sum(len(block) for _, block in pieces) / pieces[0][0]
    # MP3 has frames of 1152 samples, and silence before the sound.
    assert seconds == pytest.approx(8.0 - form.begins_s, abs=0.25)


@pytest.mark.parametrize(
    ("name", "codec", "kbit"),
    [("MP3 128 kbit/s", "mp3", 128), ("MP3 64 kbit/s", "mp3", 64), ("Opus 24 kbit/s", "opus", 24)],
)
def test_a_coded_form_has_its_codec_its_channels_and_its_bit_rate(
    name: str, codec: str, kbit: int, tmp_path: Path
) -> None:
    samples = np.stack([music(20.0, rate_hz=44_100, seed=seed) for seed in (1, 2)], axis=1)
    data = FORMS[name].change(samples, 44_100)
    audio = _format(data, tmp_path)
    assert (audio.codec, audio.channels) == (codec, 2)
    assert len(data) * 8 / 20.0 == pytest.approx(kbit * 1000, rel=0.05)


def test_forms_of_more_than_two_channels_are_coded_as_one(tmp_path: Path) -> None:
    samples = np.stack([music(4.0, rate_hz=48_000, seed=seed) for seed in range(6)], axis=1)
    assert _format(FORMS["MP3 128 kbit/s"].change(samples, 48_000), tmp_path).channels == 1


def test_forms_of_the_same_samples_are_what_they_say() -> None:
    sides = [music(8.0, rate_hz=44_100, seed=seed) for seed in (1, 2)]
    samples = np.stack(sides, axis=1)
    made = {name: soundfile.read(io.BytesIO(form.change(samples, 44_100))) for name, form in FORMS.items()}
    np.testing.assert_allclose(made["gain -12 dB"][0], samples * 10 ** (-12 / 20), rtol=1e-6, atol=1e-9)
    np.testing.assert_allclose(made["mono"][0], np.mean(sides, axis=0), atol=1e-7)
    np.testing.assert_array_equal(made["first 5 s cut"][0], samples[5 * 44_100 :])
    loud, _ = made["gain +6 dB, clipped"]
    expected = np.clip(samples * 10 ** (6 / 20), -1.0, 1.0)
    np.testing.assert_allclose(loud, expected, atol=2**-14)
    assert (np.abs(loud) > 0.999).any()
    assert made["16 kHz"][1] == 16_000


def test_a_sound_that_is_no_sound_is_refused(tmp_path: Path) -> None:
    (tmp_path / "text.mp3").write_text("no sound")
    with pytest.raises(DataError, match=r"text\.mp3"):
        read_sound(tmp_path / "text.mp3")


def test_the_original_against_itself_differs_by_nothing(
    small_bundle: Bundle, clips: list[Clip], tmp_path: Path
) -> None:
    found = measure_robustness(small_bundle, clips, tmp_path / "work", forms={"again": ORIGINAL})
    figures = found["forms"]["again"]
    assert figures["tags"]["r_mean"] == pytest.approx(1.0)
    assert figures["decisions_changed"] == 0.0
    assert figures["curves"] == {
        axis: {"rmse": 0.0, "bias": 0.0, "static_rmse": 0.0} for axis in ("valence", "arousal")
    }


def test_files_are_tagged_as_the_oracle_tags_them(
    small_bundle: Bundle, tagger: FileTagger, tmp_path: Path
) -> None:
    clip = _clip(tmp_path, 25.0)
    found = tagger.tag({"one": clip.path})["one"]
    assert isinstance(found, TaggedTrack)
    expected = Oracle(small_bundle).expect(read(clip.path))
    np.testing.assert_allclose(found.scores, expected.score, atol=1e-4)
    np.testing.assert_allclose(found.curve[:, 0], expected.valence, atol=1e-4)
    np.testing.assert_allclose(found.curve[:, 1], expected.arousal, atol=1e-4)


def test_what_was_run_is_not_run_again(
    small_bundle: Bundle, clips: list[Clip], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = measure_robustness(small_bundle, clips, tmp_path / "work", forms=DIFFERENT)
    monkeypatch.setattr(robustness, "load_tagger", lambda bundle: pytest.fail("models are loaded"))
    assert measure_robustness(small_bundle, clips, tmp_path / "work", forms=DIFFERENT) == first
    with pytest.raises(pytest.fail.Exception, match="models are loaded"):
        measure_robustness(small_bundle, clips[:1], tmp_path / "work", forms=DIFFERENT)
    assert not [path for path in (tmp_path / "work").rglob("*") if path.suffix == ".wav"]


def test_a_clip_that_fails_in_a_form_is_counted_there(
    small_bundle: Bundle, clips: list[Clip], tmp_path: Path
) -> None:
    short = _clip(tmp_path, 7.0, seed=21)
    found = measure_robustness(small_bundle, [*clips, short], tmp_path / "work", forms=DIFFERENT)
    figures = found["forms"]["first 5 s cut"]
    assert figures["clips"] == 2
    assert list(figures["failed"]) == [short.clip_id]
    assert "too_short" in figures["failed"][short.clip_id]
    assert "first 5 s cut: 1" in robustness_text(found)


def test_a_clip_whose_original_cannot_be_tagged_is_refused(small_bundle: Bundle, tmp_path: Path) -> None:
    silent = _clip(tmp_path, 7.0, level=0.0)
    with pytest.raises(DataError, match="clip 7: silent"):
        measure_robustness(small_bundle, [silent], tmp_path / "work", forms={})


@pytest.mark.parametrize(
    ("members", "tags", "there", "missing"),
    [(TAGGERS, TAGS, "tags", "curves"), (REGRESSORS, (), "curves", "tags")],
)
def test_a_bundle_of_one_role_has_the_figures_of_that_role(
    members: slice, tags: tuple[str, ...], there: str, missing: str, clips: list[Clip], tmp_path: Path
) -> None:
    bundle = _part(tmp_path / "bundle", members, tags)
    assert bundle.of_role(Role.TAGGER if tags else Role.REGRESSOR)
    found = measure_robustness(bundle, clips, tmp_path / "work", forms=DIFFERENT)
    for figures in found["forms"].values():
        assert there in figures
        assert missing not in figures
    assert "| - |" in robustness_text(found)
    draw_robustness(found, tmp_path)


def test_tags_that_are_the_same_for_all_tracks_have_no_r() -> None:
    scores = np.array([[0.2, 0.5, 0.1], [0.4, 0.5, 0.3], [0.6, 0.5, 0.2]])
    others = np.array([[0.2, 0.1, 0.3], [0.4, 0.2, 0.1], [0.6, 0.3, 0.2]])
    figures = tag_figures(scores, others, ["first", "second", "third"])
    assert figures["r"][0] == pytest.approx(1.0)
    assert figures["r"][1] is None
    assert figures["r_lowest"] == figures["r"][2] < 0
    assert figures["lowest_tag"] == "third"
    assert figures["r_mean"] == pytest.approx((figures["r"][0] + figures["r"][2]) / 2)
    assert tag_figures(scores[:1], others[:1], ["a", "b", "c"])["r_mean"] is None


@pytest.mark.parametrize(
    ("one", "other", "changed"),
    [
        ([1, 1, 0], [1, 1, 0], 0.0),
        ([1, 1, 0], [1, 0, 1], 2 / 3),
        ([1, 0, 0], [0, 1, 0], 1.0),
        ([0], [0], 0.0),
    ],
)
def test_decisions_changed_is_one_less_the_jaccard(one: list[int], other: list[int], changed: float) -> None:
    assert decisions_changed(np.array([one], bool), np.array([other], bool)) == pytest.approx(changed)


def test_curves_are_compared_on_the_steps_that_both_have() -> None:
    one, two = np.zeros((4, 2)), np.zeros((2, 2))
    figures = curve_figures([(one, one[:2] + np.array([0.3, -0.1])), (two, two + np.array([0.0, 0.1]))])
    assert figures["valence"] == pytest.approx(
        {"rmse": np.sqrt(0.09 / 2), "bias": 0.15, "static_rmse": np.sqrt(0.09 / 2)}
    )
    assert figures["arousal"] == pytest.approx({"rmse": 0.1, "bias": 0.0, "static_rmse": 0.1})
    assert curve_figures([(one, one[:0])]) == {}


def test_the_command_prints_the_table_and_draws_it_the_same_each_time(
    small_bundle: Bundle,
    clips: list[Clip],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr(robustness, "read_clips", lambda data: clips)
    monkeypatch.setattr(robustness, "folds_of", lambda clips: np.zeros(len(clips), np.int64))
    work, pictures = tmp_path / "work", []
    for _ in range(2):
        command = ["--bundle", str(small_bundle.folder), "--data", str(tmp_path), "--work", str(work)]
        robustness.main([*command, "--clips", "1"])
        pictures.append((work / ROBUSTNESS).read_bytes())
    printed = capsys.readouterr().out
    assert all(f"| {name} |" in printed for name in FORMS)
    assert "Measured on 1 clips (1 of made)" in printed
    assert pictures[0] == pictures[1]
