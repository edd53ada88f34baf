"""The five systems in the main job: any taggers, regressors and antonym pairs in one bundle."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import soxr
from numpy.typing import NDArray

from models.antonyms.antonym_rnn import AntonymSettings
from models.bundle import Bundle
from models.ensemble import Batch, Ensemble
from models.image_nets import nets
from models.image_nets import weights as image_weights
from models.regressors.autoencoder import AutoencoderSettings
from models.regressors.deep_lstm import DeepLstmSettings
from models.regressors.gru import GruSettings
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from pipelines.tables import MoodTables, open_tables
from schemas.errors import DataError
from tests.bundles import MEMBERS, Planned, write_bundle
from tests.jobs import FIRST, plan_run, run
from tests.sounds import clicks, music
from transforms.features.registry import front_end
from transforms.tagging.features import FrontEnds
from transforms.tagging.job import check_widths

TAGS = tuple(f"tag{index}" for index in range(8))
CRNN = Planned(*MEMBERS[0])
GRU = Planned("gru", "gru", GruSettings(units=4, dense=(4, 4, 4)))
AUTOENCODERS = [
    Planned(f"autoencoder-{target}", "autoencoder", AutoencoderSettings((4, 4, 8, 4), target=target))
    for target in ("valence", "arousal")
]
ANTONYMS = [
    Planned(pair, "antonym-rnn", AntonymSettings(pair, units=4, dense=4))
    for pair in ("calm-excited", "joy-sad")
]
SECONDS = 34.6
RATE_HZ = 44_100


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two pieces at 44.1 kHz."""
    return written(tmp_path_factory.mktemp("sounds"), SECONDS)


def written(folder: Path, seconds: float) -> Path:
    """The folder with two pieces."""
    for name, seed in (("a", 1), ("b", 2)):
        samples = music(seconds, rate_hz=RATE_HZ, seed=seed) + clicks(seconds, every_s=0.4, rate_hz=RATE_HZ)
        soundfile.write(folder / f"{name}.wav", samples, RATE_HZ, subtype="FLOAT")
    return folder


def tagged(sounds: Path, output: Path, bundle: Bundle) -> MoodTables:
    """The tables of a run over the sounds; the record says that it adds up."""
    record = run(plan_run(sounds, output, bundle))
    assert record["counts"] == {"read": 2, "tagged": 2, "failed": 0, "skipped": 0, "duplicate": 0, **FIRST}
    return open_tables(str(output))


def rows_of(name: str, sounds: Path, track: str, **settings: Any) -> NDArray[np.float32]:
    """Features of a track computed plainly: the file at once, resampled, through the front end."""
    samples, rate = soundfile.read(sounds / track, dtype="float32")
    chosen = front_end(name)
    wanted = chosen.rate_hz or rate
    at_rate = samples if wanted == rate else soxr.resample(samples, rate, wanted)
    preset = next(iter(chosen.presets.values()))
    extract = chosen.start(type(preset)(**settings) if settings else preset)
    values: NDArray[np.float32] = extract(at_rate, rate_hz=wanted)
    return values


def loaded(bundle: Bundle) -> Ensemble:
    models = Ensemble(bundle)
    models.load()
    return models


def direct(models: Ensemble, member: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    """One input through one member, nothing beside it."""
    found: NDArray[np.float32] = models.run(member, Batch(values[None], np.ones((1, len(values)), bool)))
    return np.asarray(found[0])


def curve_of(tables: MoodTables, track: str, target: str) -> NDArray[np.float64]:
    frame = tables.read("emotion_curves").set_index("track_id")
    (row,) = [row for name, row in frame.iterrows() if str(name).endswith(track)]
    return np.array(row[target], np.float64)


def test_a_bundle_of_one_regressor_writes_curves_and_no_tags(sounds: Path, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", [GRU], tags=())
    tables = tagged(sounds, tmp_path / "out", bundle)
    assert set(tables.names) == {"tracks", "emotion_curves", "failures"}
    rows = rows_of("pyaudio-68", sounds, "a.wav")
    valence = curve_of(tables, "a.wav", "valence")
    assert len(valence) == int(SECONDS * 2) == len(rows) // 10
    models = loaded(bundle)
    # A value in the middle sees the three seconds that end with its half second.
    for step in (5, 40, 68):
        expected = direct(models, "gru", rows[10 * step - 50 : 10 * step + 10])
        np.testing.assert_allclose(valence[step], expected[0, 0], atol=1e-5)


def test_one_net_for_each_target_makes_one_curve(sounds: Path, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", AUTOENCODERS, tags=())
    tables = tagged(sounds, tmp_path / "out", bundle)
    rows, models = rows_of("mel96", sounds, "b.wav"), loaded(bundle)
    for target in ("valence", "arousal"):
        expected = direct(models, f"autoencoder-{target}", rows[:60])[:, 0]
        found = curve_of(tables, "b.wav", target)
        assert len(found) == 69
        np.testing.assert_allclose(found[:60], expected, atol=1e-4)


def test_antonym_pairs_have_rows_of_their_own(sounds: Path, tmp_path: Path) -> None:
    bundle = write_bundle(tmp_path / "bundle", ANTONYMS, tags=())
    tables = tagged(sounds, tmp_path / "out", bundle)
    assert set(tables.names) == {"tracks", "antonyms", "failures"}
    rows = tables.read("antonyms").sort_values(["track_id", "pair"])
    assert rows["pair"].tolist() == ["calm-excited", "joy-sad"] * 2
    assert rows["first"].tolist() == ["calm", "joy"] * 2
    assert rows["second"].tolist() == ["excited", "sad"] * 2
    # Three chunks of 10 s and what is left of 34.6 s.
    assert [len(shares) for shares in rows["shares"]] == [4] * 4
    lengths = np.array([10.0, 10.0, 10.0, 4.6])
    for share, shares in zip(rows["share"], rows["shares"], strict=True):
        assert 0 < share < 1
        np.testing.assert_allclose(share, np.average(shares, weights=lengths), atol=1e-5)


def test_everything_together_is_what_each_is_alone(sounds: Path, tmp_path: Path) -> None:
    members = [CRNN, GRU, *AUTOENCODERS, *ANTONYMS, Planned(*MEMBERS[3])]
    together = write_bundle(tmp_path / "bundle", members, tags=TAGS)
    tables = tagged(sounds, tmp_path / "out", together)
    assert set(tables.names) == {"tracks", "mood_tags", "emotion_curves", "antonyms", "failures"}
    assert len(tables.read("mood_tags")) == 2 * len(TAGS)
    # The mean of three members for each target: the GRU, an autoencoder and the dilated net.
    spread = curve_of(tables, "a.wav", "valence_spread")
    assert len(spread) == 69
    assert (spread > 0).all()


@pytest.mark.skipif(importlib.util.find_spec("opensmile") is None, reason="openSMILE is not installed")
def test_the_deep_lstm_runs_on_either_set_of_the_paper(tmp_path: Path) -> None:
    (tmp_path / "sounds").mkdir()
    sounds = written(tmp_path / "sounds", 9.6)
    members = [
        Planned("fs1", "deep-lstm", DeepLstmSettings(260, layers=(8, 4))),
        Planned("fs2", "deep-lstm", DeepLstmSettings(264, layers=(8, 4)), {"values": "fs2"}),
    ]
    bundle = write_bundle(tmp_path / "bundle", members, tags=())
    assert bundle.front_ends == ("compare-lld@1", 'compare-lld@1 {"values": "fs2"}')
    tables = tagged(sounds, tmp_path / "out", bundle)
    arousal = curve_of(tables, "a.wav", "arousal")
    rows = rows_of("compare-lld", sounds, "a.wav")
    # The last half seconds have no second of their own: they are as the one before.
    assert len(rows) < len(arousal) == 19
    assert (arousal[len(rows) :] == arousal[len(rows) - 1]).all()


def test_deep_spectrum_taggers_share_the_features_of_their_window(
    sounds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    class Counted(nets.ImageNet):
        def features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
            seen.append(len(images))
            return super().features(images)

    monkeypatch.setattr(nets, "ImageNet", Counted)
    monkeypatch.setattr(
        nets, "load_net", lambda net, *, layer, weights, quantised_by: nets.build_net(net, layer=layer)
    )
    fetched = tmp_path / "weights.h5"
    fetched.write_bytes(b"stands for fetched weights")
    monkeypatch.setattr(image_weights, "weights_path", lambda net, *, given="": fetched)
    members = [
        Planned(
            f"{cell}-{window}s",
            "deep-spectrum-rnn",
            DeepSpectrumRnnSettings(cell, window, inputs=512, units=4, dense=4, tags=8),
            {"net": "squeezenet", "window_s": float(window), "hop_s": float(window)},
        )
        for window in (1, 5)
        for cell in ("lstm", "gru")
    ]
    tables = tagged(sounds, tmp_path / "out", write_bundle(tmp_path / "bundle", members, tags=TAGS))
    # Two tracks, 34 windows of 1 s and 6 of 5 s each, whatever the number of their taggers.
    assert sum(seen) == 2 * (34 + 6)
    assert len(tables.read("mood_tags")) == 2 * len(TAGS)


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (
            Planned("a", "gru", GruSettings(inputs=60)),
            "member 'a' takes 60 values a row, pyaudio-68@1 gives 68",
        ),
        (
            Planned("a", "gru", GruSettings(), {"windows": 2.0}),
            "front end pyaudio-68@1 has no setting windows = 2.0",
        ),
        (
            Planned("a", "gru", GruSettings(), {"window_s": "x"}),
            "front end pyaudio-68@1 has no setting window_s = 'x'",
        ),
    ],
)
def test_a_member_that_does_not_fit_its_front_end_is_refused(
    member: Planned, message: str, tmp_path: Path
) -> None:
    bundle = write_bundle(tmp_path / "bundle", [member], tags=())
    with pytest.raises(DataError, match=message.replace("(", r"\(")):
        check_widths(bundle, FrontEnds(bundle.front_ends))
