"""The reproduction: tag heads on embeddings, stages that resume, and the page made from their figures."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.fusion import FUSIONS
from models.evaluation.measures.bootstrap import Draws
from models.evaluation.reading.labels import OFFICIAL_TAGS
from models.training.systems.embedding_heads import (
    Head,
    HeadRecipe,
    Labelled,
    arrays_of_heads,
    fit_head,
    heads_of_arrays,
    mean_scores,
    pr_auc,
)
from pipelines.reproduce import __main__ as command
from pipelines.reproduce import heads
from pipelines.reproduce.results import figure, render, write_results
from pipelines.reproduce.stages import (
    RESULTS,
    Found,
    Place,
    Reproduction,
    Section,
    Table,
    kept_results,
    run_stages,
)
from schemas.errors import DataError

ROOT = Path(__file__).resolve().parents[1]
SMALL = HeadRecipe(hidden=(16, 8), dropout=(0.0, 0.1), mixup=0.4, root=True, rate=1e-2, batch=32, epochs=4)


def _data(items: int, *, seed: int) -> Labelled:
    """Two tags, each by the size of its own value."""
    inputs = np.random.default_rng(seed).random((items, 12), np.float32)
    return Labelled(inputs, (inputs[:, :2] > 0.6).astype(np.float32))


def test_a_head_learns_what_its_embeddings_tell() -> None:
    head = fit_head(_data(256, seed=1), _data(128, seed=2), SMALL, seed=1)
    other = _data(200, seed=3)
    scores = head.scores(other.inputs)
    assert scores.shape == (200, 2)
    assert scores.dtype == np.float32
    assert pr_auc(other.labels, scores) > 0.6 > other.labels.mean() + 0.1


@pytest.fixture(scope="module")
def trained() -> list[Head]:
    """Heads of two seeds on the same data."""
    return [fit_head(_data(64, seed=1), None, SMALL, seed=seed) for seed in (1, 2)]


def test_the_same_seed_gives_the_same_head_and_another_seed_another(trained: list[Head]) -> None:
    data = _data(64, seed=1)
    same = fit_head(data, None, SMALL, seed=1).scores(data.inputs)
    one, other = (head.scores(data.inputs) for head in trained)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 1e-3


def test_without_validation_a_head_trains_for_all_its_epochs(trained: list[Head]) -> None:
    assert [head.epoch for head in trained] == [SMALL.epochs] * 2


def test_heads_come_back_from_their_arrays(trained: list[Head]) -> None:
    data = _data(64, seed=1)
    again = heads_of_arrays(arrays_of_heads(trained))
    np.testing.assert_array_equal(mean_scores(again, data.inputs), mean_scores(trained, data.inputs))
    with pytest.raises(DataError, match=r"1\.bias0"):
        heads_of_arrays(
            {name: array for name, array in arrays_of_heads(trained).items() if name != "1.bias0"}
        )


@pytest.mark.parametrize(
    ("inputs", "labels", "message"),
    [
        (np.ones((3, 4)), np.ones((2, 5)), r"embeddings \[3, 4\] and labels \[2, 5\] do not fit"),
        (np.full((2, 4), np.nan), np.ones((2, 5)), "not finite"),
        (np.full((2, 4), -0.5), np.ones((2, 5)), r"a value of -0\.5"),
    ],
)
def test_embeddings_that_no_head_can_take_are_refused(
    inputs: NDArray[np.float64], labels: NDArray[np.float64], message: str
) -> None:
    data = Labelled(inputs.astype(np.float32), labels.astype(np.float32))
    with pytest.raises(DataError, match=message):
        fit_head(data, None, SMALL, seed=1)


def _stage(runs: list[str], *, name: str = "made-up", rate: float = 0.5) -> Reproduction:
    def run(place: Place) -> Found:
        runs.append(name)
        return {"text": (place.data / "a.txt").read_text("utf-8"), "rate": rate}

    def section(found: Found) -> Section:
        return Section("Made up", ("Of a file:", Table(("what", "rate"), ((found["text"], figure(0.1234)),))))

    return Reproduction(name, ("a.txt",), {"rate": rate}, run, section)


def test_a_stage_runs_once_and_again_only_with_other_settings_or_data(tmp_path: Path) -> None:
    runs: list[str] = []
    (tmp_path / "a.txt").write_text("first", encoding="utf-8")
    for expected in (1, 1):
        assert run_stages([_stage(runs)], tmp_path, tmp_path)["made-up"]["text"] == "first"
        assert len(runs) == expected
    run_stages([_stage(runs, rate=0.25)], tmp_path, tmp_path)
    assert len(runs) == 2
    (tmp_path / "a.txt").write_text("second", encoding="utf-8")
    assert kept_results([_stage(runs, rate=0.25)], tmp_path, tmp_path) == {}
    assert run_stages([_stage(runs, rate=0.25)], tmp_path, tmp_path)["made-up"]["text"] == "second"
    assert len(runs) == 3


def test_results_that_are_not_whole_are_made_anew(tmp_path: Path) -> None:
    runs: list[str] = []
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    run_stages([_stage(runs)], tmp_path, tmp_path)
    kept = tmp_path / "made-up" / RESULTS
    kept.write_text(kept.read_text("utf-8")[:40], encoding="utf-8")
    run_stages([_stage(runs)], tmp_path, tmp_path)
    assert len(runs) == 2


def test_a_missing_file_is_named_before_any_stage_runs(tmp_path: Path) -> None:
    runs: list[str] = []
    (tmp_path / "a.txt").write_text("text", encoding="utf-8")
    lacking = Reproduction("second", ("b.npz",), {}, lambda place: {}, _stage(runs).section)
    with pytest.raises(DataError, match=r"stage second: .*b\.npz"):
        run_stages([_stage(runs), lacking], tmp_path, tmp_path)
    assert runs == []


def test_the_page_is_the_same_for_the_same_figures_and_leaves_out_stages_without_any(tmp_path: Path) -> None:
    stages = [_stage([]), _stage([], name="not-run")]
    found: dict[str, Any] = {"made-up": {"text": "a name", "rate": 0.5}}
    write_results(found, stages, work=tmp_path, page=tmp_path / "page.md")
    page = (tmp_path / "page.md").read_text("utf-8")
    kept = json.loads((tmp_path / RESULTS).read_text("utf-8"))
    assert page == render(kept, stages)
    assert "| what | rate |\n| --- | --- |\n| a name | .1234 |\n" in page
    assert page.count("## ") == 1


@pytest.mark.parametrize(
    ("value", "text"), [(0.5, ".500"), (-0.25, "-.250"), (1.0, "1.000"), (10.01, "10.010"), (None, "-")]
)
def test_a_figure_is_printed_without_its_leading_zero(value: float | None, text: str) -> None:
    assert figure(value, 3) == text


def test_every_stage_has_its_own_name() -> None:
    names = [stage.name for stage in command.STAGES]
    assert len(set(names)) == len(names)


def _measured(value: float) -> dict[str, Any]:
    keys = ("roc_auc_macro", "pr_auc_macro", "roc_auc_micro", "pr_auc_micro", "f1_macro")
    intervals = {key: [value - 0.01, value + 0.01] for key in keys}
    return {
        **dict.fromkeys(keys, value),
        "f1_macro_cross_fitted": value,
        "bootstrap": {"intervals": intervals},
    }


def test_the_section_of_the_heads_says_which_figure_reaches_what_was_asked_for() -> None:
    recipe = {"hidden": [8], "mixup": 0.4, "root": True, "dropout": [0.1, 0.2], "best_epochs": [3, 4, 5]}
    found = {
        "tracks": {"train": 9949, "validation": 3802, "test": 4231},
        "without_embedding": {"train": 148, "validation": 51, "test": 79},
        "best_recipe": "narrow",
        "chosen": "all",
        "recipes": {"narrow": recipe},
        "validation": {"narrow": _measured(0.1), "all": _measured(0.2)},
        "heads": {"train": {"narrow": _measured(0.3), "all": _measured(0.9)}},
        "nine": _measured(0.7),
        "fused": {"train": {"two-systems": _measured(0.76)}},
    }
    page = render({"heads": found}, [heads.STAGE])
    assert "9,949 train (148 without)" in page
    assert "ROC-AUC .3000 does not reach .745, PR-AUC .3000 reaches .134" in page
    assert "ROC-AUC .7600 does not reach .770, PR-AUC .7600 reaches .147" in page
    assert "| all | mean of all nets above | .2000 | .2000 |" in page


def _write_small_data(folder: Path) -> None:
    """A folder as the stage reads it: 70 tracks a split, 8 values a track, three of them without."""
    rng = np.random.default_rng(4)
    (folder / "jamendo").mkdir()
    (folder / "mediaeval2019").mkdir()
    ids, vectors = [], []
    for start, split in ((0, "train"), (100, "validation"), (200, "test")):
        lines = ["TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS"]
        for place in range(70):
            number, tag = start + place, place % len(OFFICIAL_TAGS)
            of_track = f"track_{number:07d}\tartist_{number:06d}\talbum_{number:06d}\t00/{number}.mp3\t60.0"
            lines.append(f"{of_track}\tmood/theme---{OFFICIAL_TAGS[tag]}")
            if place:
                ids.append(number)
                vectors.append(rng.random(8) + tag / 56.0)
        (folder / "jamendo" / f"split0_{split}.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    np.savez(folder / "jamendo" / "embeddings_f16.npz", ids=np.array(ids), X=np.array(vectors, np.float16))
    arrays = {member: rng.random((70, len(OFFICIAL_TAGS))) for member in FUSIONS["all-nine"]}
    np.savez(folder / heads.NINE, **arrays)  # type: ignore[arg-type]


def test_the_stage_of_the_heads_scores_every_track_of_the_official_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _write_small_data(tmp_path)
    recipes = {"first": replace(SMALL, epochs=2), "second": HeadRecipe(hidden=(4,), epochs=1)}
    monkeypatch.setattr(heads, "RECIPES", recipes)
    monkeypatch.setattr(heads, "SEEDS", (1, 2))
    monkeypatch.setattr(heads, "DRAWS", Draws(draws=3))
    found = run_stages([heads.STAGE], tmp_path, tmp_path / "work")["heads"]
    assert found["tracks"] == dict.fromkeys(("train", "validation", "test"), 70)
    assert found["without_embedding"]["test"] == 1
    for trained in ("train", "train+validation"):
        assert found["heads"][trained]["all"]["tracks"] == 70
        assert not found["heads"][trained]["all"]["tuned_on_these_labels"]
        assert found["fused"][trained]["two-systems"]["tuned_on_these_labels"]
    with np.load(tmp_path / "work" / "heads" / "test_scores.npz") as scores:
        frequency = np.bincount(np.arange(70) % 56, minlength=56) / 70
        np.testing.assert_allclose(scores["all"][0], frequency, rtol=1e-6)
    assert "## Tags: heads" in render({"heads": found}, [heads.STAGE])


def test_the_committed_page_has_the_figures_of_the_nine_arrays_as_they_are(
    shared_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Of the draws come the intervals, which are not looked at here.
    monkeypatch.setattr(heads, "DRAWS", Draws(draws=3))
    page = (ROOT / "models" / "RESULTS.md").read_text("utf-8")
    nine = heads.measure_nine(shared_data)
    row = next(line for line in page.splitlines() if line.startswith("| the nine alone"))
    for key in ("roc_auc_macro", "pr_auc_macro", "f1_macro"):
        assert figure(nine[key]) in row


def test_the_committed_page_is_rendered_from_the_results_kept(shared_data: Path) -> None:
    kept = ROOT / "work" / "reproduce" / RESULTS
    if not kept.is_file():
        pytest.skip("make reproduce has not run in this checkout")
    found = json.loads(kept.read_text("utf-8"))
    assert (ROOT / "models" / "RESULTS.md").read_text("utf-8") == render(found, command.STAGES)
