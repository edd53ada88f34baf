"""`moodscribe train` from made-up data sets to bundles that the main job runs."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from models.bundle_files import read_bundle
from models.taggers.deep_spectrum_rnn import DeepSpectrumRnnSettings
from models.training.data.sets.emotify import EMOTIONS
from models.training.systems.plan import Choices, plan_system
from pipelines.option_hints import HintingParser
from pipelines.tables import open_tables
from pipelines.training.command import add_train
from schemas.errors import DataError
from tests.jobs import plan_run, run
from tests.sounds import clicks, music

RATE_HZ = 16_000
TRACKS = 8
SMALL = ["--preset", "compact", "--epochs", "2", "--workers", "1", "--threads", "1"]


def train(*words: str) -> int:
    """The command as the command line would run it."""
    parser = argparse.ArgumentParser()
    add_train(parser.add_subparsers(parser_class=HintingParser))
    arguments = parser.parse_args(["train", *words])
    status: int = arguments.run(arguments, [])
    return status


def write_table(path: Path, rows: list[dict[str, object]]) -> None:
    with path.open("w", newline="") as file:
        table = csv.DictWriter(file, list(rows[0]))
        table.writeheader()
        table.writerows(rows)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight pieces of 4 s: half of them quiet, half with clicks."""
    folder = tmp_path_factory.mktemp("sounds")
    for k in range(TRACKS):
        samples = music(4.0, seed=k) * (0.2 if k % 2 else 1.0)
        samples += clicks(4.0, every_s=0.2) if k % 2 == 0 else np.float32(0)
        soundfile.write(folder / f"t{k}.wav", samples, RATE_HZ, subtype="FLOAT")
    return folder


@pytest.fixture(scope="module")
def moods4q(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """SPEC of a folder in the layout of 4Q, two tracks by each artist."""
    folder = tmp_path_factory.mktemp("moods4q")
    rows: list[dict[str, object]] = [
        {
            "track_id": f"t{k}",
            "artist": f"artist {k // 2}",
            "quadrant": "Q3" if k % 2 else "Q1",
            "valence": -0.4 if k % 2 else 0.4,
            "arousal": (-0.6 if k % 2 else 0.6) + 0.01 * k,
            "moods": "calm" if k % 2 else "wild;happy",
            "genres": "",
        }
        for k in range(TRACKS)
    ]
    write_table(folder / "tracks.csv", rows)
    return f"moods4q={folder},audio={sounds}"


@pytest.fixture(scope="module")
def emotify(sounds: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """SPEC of a folder in the layout of Emotify."""
    folder = tmp_path_factory.mktemp("emotify")
    rows: list[dict[str, object]] = []
    for k in range(TRACKS):
        shares = dict.fromkeys(EMOTIONS, 0.1)
        shares["joyful_activation"], shares["sadness"] = (0.1, 0.7) if k % 2 else (0.8, 0.1)
        rows.append({"track_id": f"t{k}", "genre": "pop", **shares})
    write_table(folder / "tracks.csv", rows)
    return f"emotify={folder},audio={sounds},pairs=joy-sad:joyful_activation/sadness"


@pytest.fixture(scope="module")
def autoencoder(moods4q: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bundle of the autoencoder; its features are in the folder of work beside it."""
    bundle = tmp_path_factory.mktemp("bundles") / "auto"
    assert train("autoencoder", "--data", moods4q, "--output", str(bundle), *SMALL) == 0
    return bundle


def tagged(bundle: Path, sounds: Path, output: Path) -> set[str]:
    """Tables that the main job writes with the bundle."""
    record = run(plan_run(sounds, output, read_bundle(bundle)))
    assert record["counts"]["tagged"] == TRACKS
    return set(open_tables(str(output)).names)


def test_an_autoencoder_becomes_a_bundle_with_a_net_for_each_target(
    autoencoder: Path, sounds: Path, tmp_path: Path
) -> None:
    bundle = read_bundle(autoencoder)
    assert [member.name for member in bundle.members] == ["autoencoder-valence", "autoencoder-arousal"]
    card = (autoencoder / "card.md").read_text()
    for said in ("4Q, Panda et al. 2018", "6 train, 2 validation", "Seed of the split: 1", "arousal RMSE"):
        assert said in card
    assert (autoencoder / "learning.png").read_bytes().startswith(b"\x89PNG")
    assert tagged(autoencoder, sounds, tmp_path) == {"tracks", "emotion_curves", "failures"}


def test_features_are_made_once_and_a_finished_training_is_not_repeated(
    autoencoder: Path, moods4q: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    again, work = tmp_path / "again", autoencoder.with_name("auto.work")
    assert train("autoencoder", "--data", moods4q, "--output", str(again), "--work", str(work), *SMALL) == 0
    said = capsys.readouterr().out
    assert "epoch" not in said
    assert "extracted" not in said
    assert f"moodscribe tag MUSIC --bundle {again}" in said
    for name in ("autoencoder-valence", "autoencoder-arousal"):
        file = f"{name}.safetensors"
        assert (again / file).read_bytes() == (autoencoder / file).read_bytes()


def test_an_ensemble_of_grus_becomes_a_bundle(moods4q: str, sounds: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "gru"
    words = ["gru", "--data", moods4q, "--output", str(bundle), "--members", "2", "--set", "units=4"]
    assert train(*words, *SMALL) == 0
    assert [member.name for member in read_bundle(bundle).members] == ["gru-1", "gru-2"]
    assert "mean of 2" in (bundle / "card.md").read_text()
    assert tagged(bundle, sounds, tmp_path / "out") == {"tracks", "emotion_curves", "failures"}


def test_antonyms_become_a_bundle_with_a_net_for_each_pair(
    emotify: str, sounds: Path, tmp_path: Path
) -> None:
    bundle = tmp_path / "pairs"
    words = ["antonym-rnn", "--data", emotify, "--output", str(bundle), "--set", "units=4"]
    assert train(*words, *SMALL) == 0
    assert read_bundle(bundle).pairs == ("joy-sad",)
    assert tagged(bundle, sounds, tmp_path / "out") == {"tracks", "antonyms", "failures"}


def test_a_tagger_is_calibrated_on_validation(moods4q: str, sounds: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "tags"
    narrow = ["--set", "channels=4,4,4,4,8,8", "--set", "units=4", "--set", "dense=8"]
    assert train("crnn", "--data", moods4q, "--output", str(bundle), *narrow, *SMALL) == 0
    made = read_bundle(bundle)
    assert made.tags == ("calm", "happy", "wild")
    assert "the 2 validation tracks of moods4q" in made.decisions.threshold_provenance
    assert "mood_tags" in tagged(bundle, sounds, tmp_path / "out")


def test_features_of_another_front_end_are_refused(autoencoder: Path, moods4q: str, tmp_path: Path) -> None:
    features = str(autoencoder.with_name("auto.work") / "features")
    words = ["gru", "--data", moods4q, "--output", str(tmp_path / "b"), "--features", features]
    with pytest.raises(
        DataError, match="holds features of mel96@1; this system needs features of pyaudio-68"
    ):
        train(*words)


def test_a_folder_without_features_is_refused(moods4q: str, tmp_path: Path) -> None:
    words = ["gru", "--data", moods4q, "--output", str(tmp_path / "b"), "--features", str(tmp_path)]
    with pytest.raises(DataError, match="no committed run there"):
        train(*words)


def test_a_set_without_audio_is_refused(moods4q: str, tmp_path: Path) -> None:
    spec = moods4q.partition(",")[0]
    with pytest.raises(DataError, match="8 of 8 tracks have no audio, such as t0"):
        train("gru", "--data", spec, "--output", str(tmp_path / "b"))


def test_a_set_without_the_targets_is_refused_before_features_are_made(emotify: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="emotify has no valence and arousal, which gru learns from"):
        train("gru", "--data", emotify, "--output", str(tmp_path / "b"))
    assert not list(tmp_path.iterdir())


def test_an_unknown_system_is_refused_with_the_nearest(moods4q: str, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no system 'autoencoders'; did you mean autoencoder"):
        train("autoencoders", "--data", moods4q, "--output", str(tmp_path / "b"))


def test_an_output_that_is_there_is_refused(autoencoder: Path, moods4q: str) -> None:
    with pytest.raises(DataError, match="is there already"):
        train("gru", "--data", moods4q, "--output", str(autoencoder))


def test_a_set_of_tags_plans_as_many_scores(moods4q: str) -> None:
    from models.training.data.spec import open_data

    (member,) = plan_system("deep-spectrum-rnn", open_data(moods4q), Choices("published-5s-gru")).members
    assert member.settings == DeepSpectrumRnnSettings("gru", 5, tags=3)
