"""What a feature cache keeps, and that other heads take it in place of audio."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import soundfile
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from models.bundle import Bundle
from models.bundle_files import write_index
from pipelines.tables import open_tables
from schemas.cached_features import cache_table
from schemas.table import to_arrow
from schemas.work import CacheType
from tests.bundles import ENCODED, OTHERS, TAGS, write_bundle
from tests.jobs import plan_run, run
from tests.sounds import music
from transforms.features.front_end import Layout
from transforms.incremental.feature_cache import CacheWriter, FeatureCache, pack, unpack
from transforms.tagging.features import Rows
from transforms.tagging.worker import WorkSettings

RATE_HZ = 16_000


def kept(values: NDArray[np.float32], kind: CacheType) -> NDArray[np.float32]:
    """Rows that went through a table of a cache."""
    layout = Layout(tuple(map(str, range(int(np.prod(values.shape[1:]))))), 0.5, shape=values.shape[1:])
    row = pack("hash", Rows(values, layout, RATE_HZ, 8_000 * len(values)), kind)
    stored = to_arrow([row], cache_table("hash", kind).schema)
    back = unpack(stored, 0, layout)
    assert (back.rate_hz, back.total_samples) == (RATE_HZ, 8_000 * len(values))
    assert back.values.dtype == np.float32
    return back.values


@pytest.mark.parametrize("shape", [(7, 5), (6, 3, 4), (1, 2), (0, 4)])
@pytest.mark.parametrize("kind", list(CacheType))
def test_rows_come_back_in_their_shape_and_near_their_values(shape: tuple[int, ...], kind: CacheType) -> None:
    values = np.random.default_rng(0).normal(0, 3, shape).astype(np.float32)
    back = kept(values, kind)
    assert back.shape == values.shape
    if kind is CacheType.FLOAT16:
        np.testing.assert_allclose(back, values, rtol=2**-11, atol=1e-7)
    elif len(values):
        steps = (values.max(axis=0) - values.min(axis=0)) / 255
        assert (np.abs(back - values) <= steps / 2 + 1e-6).all()


@pytest.mark.parametrize("kind", list(CacheType))
def test_equal_rows_one_after_another_are_kept_once(kind: CacheType) -> None:
    values = np.repeat(np.arange(4, dtype=np.float32)[:, None] * np.ones(3, np.float32), [3, 3, 3, 2], axis=0)
    row = pack("hash", Rows(values, Layout(("a", "b", "c"), 0.5), RATE_HZ, 1), kind)
    assert row.repeats.to_pylist() == [3, 3, 3, 2]
    assert len(row.values) == 4 * 3
    np.testing.assert_allclose(kept(values, kind), values, atol=1e-6)


def test_values_beyond_float16_end_at_its_greatest() -> None:
    assert kept(np.array([[1e6, -1e6]], np.float32), CacheType.FLOAT16).tolist() == [[65504.0, -65504.0]]


def test_a_value_that_never_changes_is_kept_as_it_is() -> None:
    values = np.full((5, 2), 0.3, np.float32)
    np.testing.assert_array_equal(kept(values, CacheType.UINT8), values)


def test_nothing_of_a_cache_is_there_before_it_is_flushed_and_nothing_after_it_was_discarded(
    tmp_path: Path,
) -> None:
    rows = Rows(np.ones((4, 2), np.float32), Layout(("a", "b"), 0.5), RATE_HZ, 32_000)
    cache = FeatureCache(str(tmp_path), CacheType.FLOAT16, {"front@1": "abc"})
    writer = CacheWriter(cache)
    writer.add("one", {"front@1": rows})
    assert not list(tmp_path.rglob("*.parquet"))
    writer.discard()
    assert not list(tmp_path.rglob("*.parquet"))
    writer.add("one", {"front@1": rows})
    writer.flush()
    [file] = tmp_path.rglob("*.parquet")
    assert file.parent.name == "input=abc"


@pytest.fixture(scope="module")
def bundles(tmp_path_factory: pytest.TempPathFactory) -> tuple[Bundle, Bundle]:
    """A bundle with an encoder and members of other front ends, and the same with one other head."""
    folder = tmp_path_factory.mktemp("bundles")
    first = write_bundle(folder / "one", [*ENCODED, *OTHERS], tags=TAGS)
    second = write_bundle(folder / "two", [*ENCODED, *OTHERS], tags=TAGS)
    head = second.folder / "tag-mean.safetensors"
    save_file({name: array + np.float32(0.1) for name, array in load_file(head).items()}, head)
    return first, _indexed_again(second)


def _indexed_again(bundle: Bundle) -> Bundle:
    fields = json.loads((bundle.folder / "bundle.json").read_text())
    plain = {name: value for name, value in fields.items() if name not in ("format", "files")}
    return write_index(bundle.folder, plain)


def settings(cache: Path, bundle: Bundle, kind: CacheType = CacheType.FLOAT16) -> WorkSettings:
    inputs = {member.input_key: bundle.input_hash(member) for member in bundle.predictors}
    return WorkSettings(cache=FeatureCache(str(cache), kind, inputs))


def write_music(folder: Path) -> Path:
    folder.mkdir()
    for index, seconds in enumerate((9.0, 12.3, 31.0)):
        soundfile.write(folder / f"{index}.wav", music(seconds, seed=index), RATE_HZ)
    return folder


def test_other_heads_take_features_from_the_cache_without_audio(
    tmp_path: Path, bundles: tuple[Bundle, Bundle]
) -> None:
    first, second = bundles
    folder, output, cache = write_music(tmp_path / "music"), tmp_path / "moods", tmp_path / "cache"
    run(plan_run(folder, output, first, work=settings(cache, first)))
    run(plan_run(folder, tmp_path / "fresh", second))
    for file in folder.iterdir():  # the same state, but no audio any more
        state = file.stat()
        file.write_bytes(b"\0" * state.st_size)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    record = run(plan_run(folder, output, second, work=settings(cache, second)))
    assert record["counts"]["tagged"] == record["cached"] == 3
    assert record["reasons"] == {"model": 3}
    assert record["audio_s"] == 0.0
    found, expected = (_rows(where) for where in (output, tmp_path / "fresh"))
    for name, values in expected.items():
        np.testing.assert_allclose(found[name], values, atol=2e-3)


def test_an_input_that_the_cache_does_not_have_is_made_of_the_audio(
    tmp_path: Path, bundles: tuple[Bundle, Bundle]
) -> None:
    first, second = bundles
    folder, output, cache = write_music(tmp_path / "music"), tmp_path / "moods", tmp_path / "cache"
    run(plan_run(folder, output, first, work=settings(cache, first)))
    shutil.rmtree(next(cache.glob("input=*")))
    record = run(plan_run(folder, output, second, work=settings(cache, second)))
    assert (record["counts"]["tagged"], record["cached"]) == (3, 0)
    assert record["audio_s"] == pytest.approx(52.3, abs=0.1)


def test_a_forced_run_takes_nothing_from_the_cache(tmp_path: Path, bundles: tuple[Bundle, Bundle]) -> None:
    first, _ = bundles
    folder, output, work = (
        write_music(tmp_path / "music"),
        tmp_path / "moods",
        settings(tmp_path / "c", bundles[0]),
    )
    run(plan_run(folder, output, first, work=work))
    planned = plan_run(folder, output, first, work=work)
    record = run(replace(planned, policy=replace(planned.policy, force=True)))
    assert (record["reasons"], record["cached"]) == ({"forced": 3}, 0)


def _rows(output: Path) -> dict[str, Any]:
    tables = open_tables(str(output))
    tags = tables.query("SELECT score, raw_score FROM mood_tags ORDER BY track_id, tag")
    curves = tables.query("SELECT valence, arousal FROM emotion_curves ORDER BY track_id")
    return {
        "score": tags["score"].to_numpy(),
        "raw_score": tags["raw_score"].to_numpy(),
        "valence": np.concatenate(curves["valence"].to_list()),
        "arousal": np.concatenate(curves["arousal"].to_list()),
    }


def test_a_cache_row_is_what_its_table_says() -> None:
    schema = cache_table("abc", CacheType.UINT8).schema
    assert schema.metadata[b"moodscribe.table"] == b"input=abc"
    assert schema.field("values").type.value_type == pa.uint8()
