"""The Python API says what the main job says, bit for bit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

from models.bundle import Bundle
from pipelines import api
from pipelines.api import open_tables, tag_file, tag_samples
from schemas.errors import DataError, FailureKind
from tests.files.conftest import RATE_HZ, Catalogue, samples
from transforms import bundles


def assert_equal(found: pd.DataFrame, expected: pd.DataFrame) -> None:
    """Equal to the last bit, but for whose rows they are."""
    assert list(found.columns) == list(expected.columns)
    assert len(found) == len(expected) > 0
    for name in found.columns:
        if name in ("run_id", "track_id"):
            continue
        for one, other in zip(found[name], expected[name], strict=True):
            # DuckDB's null is None, that of a column of texts of pandas NaN.
            null = [value is None or value != value for value in (one, other) if np.ndim(value) == 0]
            assert null == [True, True] or np.array_equal(one, other), name


@pytest.mark.parametrize("name", ["a.wav", "f.mp3", "g.m4a"])
def test_a_file_has_the_rows_that_the_main_job_writes(
    name: str, catalogue: Catalogue, small_bundle: Bundle
) -> None:
    path = str(catalogue.folder / "album" / name)
    found = tag_file(path, bundle=str(small_bundle.folder))
    tables = open_tables(str(catalogue.output))
    for table in ("mood_tags", "emotion_curves"):
        rows = tables.read(table)
        assert_equal(found.table(table), rows[rows["track_id"] == path])
    tags = tables.read("mood_tags").sort_values("rank")
    assert found.moods == tags.loc[tags["tagged"] & (tags["track_id"] == path), "tag"].tolist()
    pd.testing.assert_frame_equal(
        found.interval(1, "0:03").frame, tables.curve(path, 1, "0:03").frame, check_exact=True
    )


@pytest.mark.parametrize("channels", [1, 2])
def test_samples_have_the_rows_of_a_file_of_them(channels: int, tmp_path: Path, small_bundle: Bundle) -> None:
    sound = samples(3)[:, :channels]
    soundfile.write(tmp_path / "s.wav", sound, RATE_HZ, subtype="FLOAT")
    expected = tag_file(tmp_path / "s.wav", bundle=str(small_bundle.folder))
    given = sound.T if channels > 1 else sound[:, 0]
    found = tag_samples(given, RATE_HZ, bundle=str(small_bundle.folder))
    assert found.track_id == "samples"
    assert found.facts.audio_sha256 == expected.facts.audio_sha256
    for table in ("mood_tags", "emotion_curves"):
        assert_equal(found.table(table), expected.table(table))


def test_tags_are_best_first_and_curves_cover_the_track(catalogue: Catalogue, small_bundle: Bundle) -> None:
    found = tag_file(catalogue.folder / "album" / "a.wav", bundle=str(small_bundle.folder))
    assert found.tags["rank"].tolist() == list(range(1, len(found.tags) + 1))
    assert found.tags["score"].is_monotonic_decreasing
    assert found.curves["time_s"].tolist() == [step / 2 for step in range(8)]
    assert found.interval().to_s == found.facts.decoded_s == pytest.approx(4.3, abs=1e-3)
    assert "a.wav', 4.3 s:" in repr(found)
    assert found.table("antonyms").empty


def test_a_bundle_is_opened_once(
    catalogue: Catalogue, small_bundle: Bundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = []
    real = bundles.open_bundle

    def counted(source: str) -> Bundle:
        opened.append(source)
        return real(source)

    monkeypatch.setattr(bundles, "open_bundle", counted)
    api._tagger.cache_clear()
    for _ in range(2):
        tag_file(catalogue.folder / "album" / "a.wav", bundle=str(small_bundle.folder))
    assert opened == [str(small_bundle.folder)]


@pytest.mark.parametrize(
    ("given", "kind", "message"),
    [
        (
            np.zeros((5, 5, 5), np.float32),
            FailureKind.BAD_INPUT,
            r"shape \(5, 5, 5\): \[n\] or \[channels, n\]",
        ),
        (np.zeros((44_100, 2), np.float32), FailureKind.BAD_INPUT, "is to be transposed"),
        (np.zeros(44_100, np.int16), FailureKind.BAD_INPUT, "samples of type int16"),
        (np.zeros(0, np.float32), FailureKind.TOO_SHORT, "no samples"),
        (np.zeros(44_100, np.float32), FailureKind.SILENT, "samples: peak of 0"),
        (np.full(44_100, np.nan, np.float32), FailureKind.NON_FINITE, "not finite"),
        (np.ones(100, np.float32), FailureKind.TOO_SHORT, "at least"),
    ],
)
def test_samples_that_cannot_be_tagged_are_refused_with_the_reason(
    given: np.ndarray, kind: FailureKind, message: str, small_bundle: Bundle
) -> None:
    with pytest.raises(DataError, match=message) as refused:
        tag_samples(given, 44_100, bundle=str(small_bundle.folder))
    assert refused.value.kind is kind


def test_a_rate_that_no_file_has_is_refused(small_bundle: Bundle) -> None:
    with pytest.raises(DataError, match="sample rate of 1 Hz"):
        tag_samples(samples(0)[:, 0], 1, bundle=str(small_bundle.folder))
    with pytest.raises(DataError, match="1 channels at 0 Hz"):
        tag_samples(samples(0)[:, 0], 0, bundle=str(small_bundle.folder))


def test_a_file_that_cannot_be_tagged_is_named_with_the_reason(
    catalogue: Catalogue, small_bundle: Bundle
) -> None:
    for name, kind in (("text.mp3", FailureKind.NOT_AUDIO), ("nothing.wav", FailureKind.NOT_FOUND)):
        with pytest.raises(DataError, match=name) as refused:
            tag_file(catalogue.folder / name, bundle=str(small_bundle.folder))
        assert refused.value.kind is kind
