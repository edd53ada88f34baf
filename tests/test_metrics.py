"""Counters, distributions, percentiles and log lines of a run: names others rely on, and what they say."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import soundfile

from models.bundle import Bundle
from pipelines.tables import committed_runs, open_tables
from schemas.histogram import bucket, percentiles
from schemas.metrics import COUNTERS, DISTRIBUTIONS, NAMESPACE
from tests.jobs import carry_out, plan_run
from tests.sounds import music
from transforms.writing.stage import FAILURE_LINE, RUN_LINE

RATE_HZ = 16_000
PAGE = Path(__file__).parents[1] / "deploy" / "METRICS.md"


@dataclass(frozen=True, slots=True)
class Done:
    """What a run has told besides its tables."""

    counters: dict[str, int]
    distributions: dict[str, Any]
    record: dict[str, Any]
    lines: list[str]
    tracks: pd.DataFrame


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, small_bundle: Bundle) -> Done:
    """A run over three tracks, a copy of one, two files that are no audio, one that is empty, a picture."""
    folder = tmp_path_factory.mktemp("metrics")
    source, output = folder / "music", folder / "moods"
    source.mkdir()
    for index in range(3):
        soundfile.write(source / f"{index}.wav", music(4.0 + index, seed=index), RATE_HZ)
    shutil.copy(source / "2.wav", source / "copy.wav")
    for name in ("bad.mp3", "worse.mp3"):
        (source / name).write_bytes(b"nothing to hear")
    (source / "empty.flac").touch()
    (source / "cover.jpg").write_bytes(b"a picture")
    log = logging.getLogger("transforms.writing.stage")
    heard = _Heard()
    before = log.level
    log.addHandler(heard)
    log.setLevel(logging.INFO)
    metrics = carry_out(plan_run(source, output, small_bundle)).metrics().query()
    log.removeHandler(heard)
    log.setLevel(before)
    ours = {
        kind: {one.key.metric.name: one for one in metrics[kind] if one.key.metric.namespace == NAMESPACE}
        for kind in ("counters", "distributions")
    }
    counters: Counter[str] = Counter()
    for one in metrics["counters"]:  # a counter of several stages has a value of each
        if one.key.metric.namespace == NAMESPACE:
            counters[one.key.metric.name] += one.committed
    found = {name: one.committed for name, one in ours["distributions"].items()}
    tracks = open_tables(str(output)).read("tracks")
    return Done(dict(counters), found, committed_runs(str(output))[-1], heard.lines, tracks)


class _Heard(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())


def test_counters_say_what_the_account_says(done: Done) -> None:
    told = {name: done.counters.get(name, 0) for name in done.record["counts"]}
    assert told == done.record["counts"]
    assert told["read"] == 8
    assert done.counters["settled"] == 7  # what is no audio by its name never comes so far
    assert done.counters["failed_not_audio"] == 2
    assert done.counters["failed_empty_file"] == 1
    assert set(done.counters) <= set(COUNTERS)


def test_distributions_have_a_value_for_each_track_that_was_decoded(done: Done) -> None:
    decoded = done.distributions["decoded_ms"]
    by_audio = done.tracks.dropna(subset=["decoded_s"]).drop_duplicates("file_sha256")
    assert decoded.count == len(by_audio) + 1  # the copy is found by its samples, after it was decoded
    assert decoded.max == 1000 * by_audio["decoded_s"].max()
    assert decoded.sum == 1000 * (by_audio["decoded_s"].sum() + by_audio["decoded_s"].max())
    assert done.distributions["read_ms"].count == 7
    assert set(done.distributions) <= set(DISTRIBUTIONS)


def test_distributions_of_stages_add_up_to_the_seconds_of_the_record(done: Done) -> None:
    for stage, seconds in done.record["seconds"].items():
        told = done.distributions[f"{stage}_ms"]
        assert told.sum == pytest.approx(1000 * seconds, abs=0.5 * told.count + 1), stage


def test_the_record_has_percentiles_of_every_distribution(done: Done) -> None:
    assert done.record["percentiles"].keys() == done.distributions.keys()
    for name, found in done.record["percentiles"].items():
        told = done.distributions[name]
        assert found["values"] == told.count, name
        assert found["most"] == pytest.approx(told.max, rel=0.05), name
        assert 0 <= found["p50"] <= found["p90"] <= found["p99"] <= found["most"], name


def test_a_run_logs_one_line_and_one_for_each_kind_of_failure(done: Done) -> None:
    (run,) = [line for line in done.lines if line.startswith(RUN_LINE)]
    assert json.loads(run.removeprefix(RUN_LINE))["counts"] == done.record["counts"]
    failures = [json.loads(line.removeprefix(FAILURE_LINE)) for line in done.lines if line is not run]
    assert {one["kind"]: one["tracks"] for one in failures} == {"not_audio": 2, "empty_file": 1}
    assert {one["run_id"] for one in failures} == {done.record["run_id"]}


def test_the_page_for_users_lists_every_name(done: Done) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.*) \|$", PAGE.read_text("utf-8"), re.MULTILINE))
    plain = {name for name in COUNTERS if not name.startswith("failed_")}
    assert rows.keys() == plain | {"failed_KIND"} | DISTRIBUTIONS.keys()
    assert {name: rows[name] for name in DISTRIBUTIONS} == dict(DISTRIBUTIONS)


@pytest.mark.parametrize("seed", range(3))
def test_percentiles_are_within_a_twentieth_of_the_values(seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = np.round(generator.lognormal(5, 2, 2000)).astype(int)
    found = percentiles(Counter(map(bucket, values.tolist())))
    assert found["values"] == len(values)
    for name, share in {"p50": 0.5, "p90": 0.9, "p99": 0.99, "most": 1.0}.items():
        exact = np.quantile(values, share, method="inverted_cdf")
        assert found[name] == pytest.approx(exact, rel=0.045, abs=0.1), name


def test_percentiles_of_nothing_but_zeros_are_zero() -> None:
    assert percentiles({bucket(0): 3}) == {"values": 3, "p50": 0, "p90": 0, "p99": 0, "most": 0}
