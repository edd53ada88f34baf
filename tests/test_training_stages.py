"""The default bundle's stages, clips to figures: composed clips, a small encoder, an ear made up here."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from models.encoders.mobile import MobileSettings
from models.ensemble import compiled
from models.training.calibration import Platt
from models.training.learning import start
from models.training.learning.affect import curves_of, seen_of
from models.training.learning.fit import Phase
from models.training.learning.imitation import encode
from models.training.recipe import FOLDS, HEAD, EncoderPlan
from models.training.reporting.measure import Predicted
from models.training.teaching.heads import TagHeads
from models.training.teaching.teacher import Teacher, load_teacher
from models.weights import arrays_of, set_weights
from pipelines.training import encoded, encoders, heads, prepare, processes
from pipelines.training.calibrate import DECIDED, MEASURED, calibrate, load_predicted
from pipelines.training.clips import CODED, PLAIN, SPEED, Clip, folds_of
from pipelines.training.encoders import FINAL
from pipelines.training.teacher import ARRAYS, FIGURES
from schemas.errors import DataError, FailureKind
from tests.bundles import lively_encoder

Floats = NDArray[np.float32]
RATE_HZ = 16_000
VALUES = 6
SMALL = MobileSettings((VALUES,) * 5, (1, 2, 2, 2, 2), rows=12)
PLAN = EncoderPlan(rows=6, crops=1, batch=4, phases=(Phase(1, 1e-3),), final=(Phase(2, 1e-3),))
TAGS = ("calm", "happy", "sad")
EVERY = (*range(FOLDS), FINAL)


class HereAndNow:
    """A pool of processes that does everything in this one."""

    def __init__(self, workers: int, *, mp_context: Any) -> None:
        assert workers == 2

    def __enter__(self) -> HereAndNow:
        return self

    def __exit__(self, *error: object) -> None:
        """Nothing is left to end."""

    def map(self, work: Callable[[Any], Any], items: Iterable[Any], chunksize: int = 1) -> Iterator[Any]:
        """Results in order."""
        return map(work, items)


class Ear:
    """A teacher's ear that hears the loudness of six parts of a patch's bands."""

    def embed(self, patches: Floats) -> Floats:
        """[n, 96, 64] -> [n, 6]."""
        parts: Floats = patches[:, :, :60].reshape(len(patches), 96, VALUES, 10).mean(axis=(1, 3))
        return np.exp(parts).astype(np.float32)


@dataclass(frozen=True)
class Trained:
    """Clips and the work folder of all stages."""

    clips: list[Clip]
    work: Path


def composed(folder: Path, count: int) -> list[Clip]:
    """Clips of 3 s, each a tone of its own in noise, one or two an artist; the last four have no ratings."""
    clips = []
    for place in range(count):
        rng = np.random.default_rng(place)
        time = np.arange(round((3.0 + 0.25 * (place % 3)) * RATE_HZ)) / RATE_HZ
        tone = 0.3 * np.sin(2 * np.pi * 150.0 * 2.0 ** (place % 7 * 0.7) * time)
        path = folder / f"c{place:02d}.wav"
        soundfile.write(path, (tone + rng.normal(0.0, 0.02, len(time))).astype(np.float32), RATE_HZ)
        rated, quadrant = place < count - 4, place % 4 + 1
        sides = (0.4 if quadrant in (1, 4) else -0.4, 0.4 if quadrant in (1, 2) else -0.4)
        clips.append(
            Clip(
                path.stem,
                "moods4q" if rated else "emotify",
                f"artist {place // 2}" if place % 3 else f"artist of clip {place}",
                f"moods4q:Q{quadrant}" if rated else "emotify:rock",
                path,
                affect=(sides[0] + 0.01 * place, sides[1]) if rated else None,
                words=("Calm",) if rated and quadrant > 2 else ("Wild",) if rated else (),
            )
        )
    return clips


def write_teacher(work: Path) -> None:
    """A teacher of the ear's six values for three tags, the last one of grade D."""
    rng = np.random.default_rng(4)
    shapes = {"w0": (2, VALUES, 4), "b0": (2, 1, 4), "w1": (2, 4, 3), "b1": (2, 1, 3)}
    arrays = {name: rng.normal(0.0, 0.7, shape).astype(np.float32) for name, shape in shapes.items()}
    standard = {"mean": np.zeros(VALUES, np.float32), "deviation": np.ones(VALUES, np.float32)}
    platt = Platt(np.full(3, 2.0), np.full(3, -0.5))
    Teacher(TAGS, TagHeads({**arrays, **standard}), platt, np.full(3, 0.4)).save(work / ARRAYS)
    (work / FIGURES).write_text(json.dumps({"roc_auc": {"both": [0.85, 0.75, 0.5]}}))


@pytest.fixture(scope="module", autouse=True)
def small() -> Iterator[None]:
    """Small nets, all in this process."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(processes, "ProcessPoolExecutor", HereAndNow)
        patch.setattr(prepare, "_yamnet", lambda model: Ear())
        patch.setattr(encoders, "yamnet_arrays", lambda model: arrays_of(lively_encoder(SMALL, seed=3)))
        patch.setattr(start, "MobileSettings", lambda rows: replace(SMALL, rows=rows))
        yield


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, small: None) -> Trained:
    """All stages, once."""
    clips = composed(tmp_path_factory.mktemp("audio"), 28)
    work = tmp_path_factory.mktemp("work")
    prepare.prepare(clips, work, model=Path("ear"))
    encoders.train_encoders(clips, work, model=Path("ear"), plan=PLAN)
    encoded.encode_clips(clips, work)
    heads.fit_heads(clips, work)
    write_teacher(work)
    calibrate(clips, work)
    return Trained(clips, work)


def of_fold(trained: Trained, number: int) -> list[Clip]:
    """Clips that an encoder has not heard."""
    folds = folds_of(trained.clips)
    return [clip for clip, fold in zip(trained.clips, folds, strict=True) if fold == number]


# Prepare.


def test_of_every_clip_there_are_rows_of_all_variants_and_an_ear_for_those_that_sound_different(
    trained: Trained,
) -> None:
    for place, clip in enumerate(trained.clips):
        held = prepare.load_clip(clip.clip_id, trained.work)
        assert set(held) == {"rows.plain", "rows.speed", "rows.coded", "heard.plain", "heard.speed"}
        assert {array.dtype.name for array in held.values()} == {"float16"}
        for variant in (PLAIN, SPEED):
            rows, heard = held[f"rows.{variant}"], held[f"heard.{variant}"]
            assert (rows.shape[1:], heard.shape[1:]) == ((32, 64), (VALUES,))
            assert len(rows) == len(heard) > 0
        assert len(held["rows.plain"]) == (7 if place % 3 == 2 else 6)
        assert not np.array_equal(held[f"rows.{CODED}"][:5], held["rows.plain"][:5])


def test_what_is_heard_of_a_row_is_the_patch_that_begins_with_it(tmp_path: Path) -> None:
    # A sound from 1.5 s on: .96 s from .5 s on end before it, those from 1 s on do not.
    sound = np.where(
        np.arange(4 * RATE_HZ) < 1.5 * RATE_HZ, 0.0, np.random.default_rng(1).normal(0, 0.2, 4 * RATE_HZ)
    )
    path = tmp_path / "late.wav"
    soundfile.write(path, sound.astype(np.float32), RATE_HZ)
    late = Clip("late", "own", "artist", "own:", path)
    prepare.prepare([late], tmp_path, model=Path("ear"))
    heard = prepare.load_clip("late", tmp_path)["heard.plain"].astype(np.float32).mean(axis=1)
    assert len(heard) == 8
    silence = heard[0]
    assert heard[1] == pytest.approx(silence, rel=0.05)
    assert heard[2] > 1.5 * silence
    assert heard[3:7].min() > heard[2]


def test_a_clip_that_is_there_is_not_made_again(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(clip: Clip, **settings: Path) -> None:
        raise AssertionError(clip.clip_id)

    monkeypatch.setattr(prepare, "_write", fail)
    prepare.prepare(trained.clips, trained.work, model=Path("ear"))
    with pytest.raises(AssertionError, match="other"):
        prepare.prepare([replace(trained.clips[0], clip_id="other")], trained.work, model=Path("ear"))


# Encoders.


def test_no_encoder_learns_from_its_fold_or_from_artists_it_is_watched_on(trained: Trained) -> None:
    for number in EVERY:
        learnt, held = encoders._parts(trained.clips, number)
        assert len(learnt) + len(held) + len(of_fold(trained, number)) == len(trained.clips)
        assert held
        groups = [{clip.group for clip in part} for part in (learnt, held, of_fold(trained, number))]
        assert sum(map(len, groups)) == len(set().union(*groups))
    assert not of_fold(trained, FINAL)


def test_every_encoder_has_weights_of_its_own_and_a_history(trained: Trained) -> None:
    from safetensors.numpy import load_file

    found = [load_file(encoders.weights_path(number, trained.work)) for number in EVERY]
    first = arrays_of(lively_encoder(SMALL, seed=3))
    for arrays in found:
        assert {name: array.shape for name, array in arrays.items()} == {n: a.shape for n, a in first.items()}
    assert len({arrays["conv0/kernel"].tobytes() for arrays in (*found, first)}) == FOLDS + 2
    assert encoders.weights_path(FINAL, trained.work).name == "final.safetensors"
    for number in EVERY:
        history = encoders.history(number, trained.work)
        epochs = 2 if number == FINAL else 1
        assert len(history["losses"]) == len(history["scores"]) == epochs
        assert np.isfinite(history["losses"]).all()


@pytest.mark.parametrize("stage", ["encoders", "rows"])
def test_what_is_trained_and_encoded_is_not_done_again(
    stage: str, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(number: int, **settings: object) -> int:
        raise AssertionError(number)

    monkeypatch.setattr(encoders, "_train", fail)
    monkeypatch.setattr(encoded, "_encode", fail)
    if stage == "encoders":
        encoders.train_encoders(trained.clips, trained.work, model=Path("ear"), plan=PLAN)
    else:
        encoded.encode_clips(trained.clips, trained.work)


@pytest.mark.parametrize("number", [0, FINAL])
def test_rows_are_those_that_the_encoder_gives(number: int, trained: Trained) -> None:
    from safetensors.numpy import load_file

    net = lively_encoder(SMALL, seed=1)
    set_weights(net, load_file(encoders.weights_path(number, trained.work)), source="test")
    found = encoded.load_rows(number, trained.clips[:3], trained.work)
    for clip, rows in zip(trained.clips[:3], found, strict=True):
        seen = prepare.load_clip(clip.clip_id, trained.work)["rows.plain"]
        assert rows.dtype == np.float32
        np.testing.assert_allclose(rows, encode(compiled(net), seen, at_once=12), rtol=2e-3, atol=1e-3)


# Heads.


def known_by(head: Mapping[str, Floats]) -> NDArray[np.bool_]:
    """Which clips each voice of a head knows: [voices, clips]."""
    kernel = head["curve/kernel"]
    known: NDArray[np.bool_] = (kernel.reshape(len(kernel), -1, 2) != 0).max(axis=2)
    return known.T


def test_the_head_of_an_encoder_knows_the_rated_clips_that_the_encoder_heard(trained: Trained) -> None:
    rated = sum(clip.affect is not None for clip in trained.clips)
    for number in EVERY:
        head = heads.load_head(number, trained.work)
        there = rated - sum(clip.affect is not None for clip in of_fold(trained, number))
        voices = len(HEAD.seeds)
        assert head["near/centres"].shape == (VALUES, there)
        assert head["curve/kernel"].shape == (there, 2 * voices)
        known = known_by(head)
        assert known.shape == (voices, there)
        assert 0.6 * there <= known.sum(axis=1).min() <= known.sum(axis=1).max() < there
        assert len({column.tobytes() for column in known}) > 1


def test_a_voice_knows_all_clips_of_an_artist_or_none(trained: Trained) -> None:
    rated = [clip for clip in trained.clips if clip.affect]
    for known in known_by(heads.load_head(FINAL, trained.work)):
        homes = {(clip.group, bool(own)) for clip, own in zip(rated, known, strict=True)}
        assert len(homes) == len({clip.group for clip in rated})


def test_a_head_knows_no_clip_that_its_encoder_has_not_heard(trained: Trained) -> None:
    for number in range(FOLDS):
        left = of_fold(trained, number)
        means = [rows.mean(axis=0) for rows in encoded.load_rows(number, left, trained.work)]
        head = heads.load_head(number, trained.work)
        scaled = seen_of(np.stack(means)) * head["near/scale"]
        apart = np.abs(scaled[:, :, None] - head["near/centres"]).max(axis=1)
        assert apart.min() > 1e-4


def test_a_head_that_is_there_is_not_fitted_again(trained: Trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(heads, "fit_head", None)
    heads.fit_heads(trained.clips, trained.work)


def test_clips_without_any_rating_fit_no_head(trained: Trained, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no clip has valence and arousal") as caught:
        heads.fit_heads([replace(clip, affect=None) for clip in trained.clips], tmp_path)
    assert caught.value.kind is FailureKind.BAD_INPUT


# Calibrate.


@pytest.fixture(scope="module")
def predicted(trained: Trained) -> Predicted:
    return load_predicted(trained.work)


def place_of(trained: Trained, clips: Sequence[Clip]) -> list[int]:
    return [trained.clips.index(clip) for clip in clips]


def test_everything_said_of_a_clip_is_of_the_encoder_and_heads_that_had_not_heard_it(
    trained: Trained, predicted: Predicted
) -> None:
    np.testing.assert_array_equal(predicted.fold, folds_of(trained.clips))
    tag_heads = load_teacher(trained.work / ARRAYS).heads
    for number in range(FOLDS):
        left = of_fold(trained, number)
        head = heads.load_head(number, trained.work)
        every = encoded.load_rows(number, left, trained.work)
        for place, rows in zip(place_of(trained, left), every, strict=True):
            curves = curves_of(head, rows, contexts=heads.CONTEXTS)
            np.testing.assert_allclose(predicted.affect[:, place], curves.mean(axis=1))
            np.testing.assert_allclose(predicted.spread[place], curves.std(axis=0).mean(axis=0))
            mean = rows.mean(axis=0, dtype=np.float64)
            members = tag_heads.each(mean[None])[:, 0]
            np.testing.assert_allclose(predicted.members[:, place], members, rtol=1e-5)


def test_the_truth_is_there_for_rated_clips_alone(trained: Trained, predicted: Predicted) -> None:
    assert predicted.rated.tolist() == [clip.affect is not None for clip in trained.clips]
    assert predicted.truth[0].tolist() == list(trained.clips[0].affect or ())
    assert set(predicted.source) == {"moods4q", "emotify"}
    assert set(predicted.stratum) == {"Q1", "Q2", "Q3", "Q4", "rock"}
    assert np.isfinite(predicted.ridge).all()


def test_what_is_decided_is_what_a_bundle_holds(trained: Trained, predicted: Predicted) -> None:
    decided: dict[str, Any] = json.loads((trained.work / DECIDED).read_text("utf-8"))
    assert set(decided) == {"calibration", "thresholds", "quality"}
    assert decided["thresholds"]["values"] == predicted.thresholds.tolist()
    quality = decided["quality"]
    assert quality["grades"][2] == "D"
    off = [tag for tag, grade in zip(TAGS, quality["grades"], strict=True) if grade == "D"]
    assert quality["off"] == off
    assert predicted.on.tolist() == [tag not in off for tag in TAGS]
    assert "28 clips of 4Q and Emotify" in decided["thresholds"]["provenance"]


def test_figures_are_of_all_clips(trained: Trained) -> None:
    measured: dict[str, Any] = json.loads((trained.work / MEASURED).read_text("utf-8"))
    assert (measured["folds"], tuple(measured["tags"])) == (FOLDS, TAGS)
    assert measured["clips"] == {"4Q": 24, "Emotify": 4}
    assert measured["affect"]["valence"]["n"] == 24
    assert list(measured["words"]) == ["calm"]
    assert "NaN" not in (trained.work / MEASURED).read_text("utf-8")
