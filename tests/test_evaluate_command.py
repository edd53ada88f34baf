"""`moodscribe evaluate` from files to terminal, JSON and page."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from models.bundle import Bundle
from models.evaluation.reading.labels import HEADER_START
from pipelines.evaluation.command import add_evaluate
from pipelines.option_hints import HintingParser
from schemas.errors import DataError
from tests.jobs import plan_run, run
from tests.sounds import music

TAGS = ("calm", "dark", "happy")
RATED = "song,time,valence,arousal\n" + "".join(
    f"{song},{step / 2},{0.1 * step - 0.2 * song},{0.3 - 0.1 * step}\n"
    for song in (1, 2)
    for step in range(5)
)


def _evaluate(*arguments: object) -> int:
    parser = HintingParser()
    add_evaluate(parser.add_subparsers(dest="command", parser_class=HintingParser))
    known, further = parser.parse_known_args(["evaluate", *map(str, arguments)])
    status: int = known.run(known, further)
    return status


def _score_files(folder: Path, *, seed: int, tracks: int = 120) -> tuple[Path, Path]:
    """Two members' scores and the list of labels, of three tags."""
    rng = np.random.default_rng(seed)
    labels = rng.random((tracks, 3)) < 0.3
    labels[np.arange(tracks), rng.integers(0, 3, tracks)] = True
    rows = [
        "\t".join([f"track_{place:07d}", "a", "b", "c", "9.0"]
                  + [f"mood/theme---{TAGS[tag]}" for tag in np.flatnonzero(row)])
        for place, row in enumerate(labels)
    ]  # fmt: skip
    listed, scores = folder / f"{seed}.tsv", folder / f"{seed}.npz"
    listed.write_text(
        "\n".join([f"{HEADER_START}ARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS", *rows]) + "\n", "utf-8"
    )
    members = {name: np.clip(0.3 + 0.2 * labels + rng.normal(0, 0.1, labels.shape), 0, 1) for name in "ab"}
    np.savez(scores, **members)  # type: ignore[arg-type]
    return scores, listed


def _read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_tags_go_to_the_terminal_to_json_and_to_a_page(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scores, labels = _score_files(tmp_path, seed=1)
    outputs = ("--json", tmp_path / "t.json", "--page", tmp_path / "t.html", "--draws", 20)
    assert (
        _evaluate("tags", "--scores", scores, "--labels", labels, "--thresholds", "official", *outputs) == 0
    )
    found = _read(tmp_path / "t.json")
    measures = ("roc_auc", "pr_auc", "precision", "recall", "f1")
    assert list(found)[:10] == [f"{name}_{kind}" for kind in ("macro", "micro") for name in measures]
    assert found["tuned_on_these_labels"] is True
    assert found["members"] == ["a", "b"]
    shown = capsys.readouterr().out
    assert f"{found['f1_macro']:.4f}" in shown
    page = (tmp_path / "t.html").read_text("utf-8")
    for text in (shown, page):
        assert "tuned on the very labels" in text


def test_a_page_loads_nothing_and_runs_nothing(tmp_path: Path) -> None:
    scores, labels = _score_files(tmp_path, seed=1)
    page = tmp_path / "t.html"
    _evaluate(
        "tags", "--scores", scores, "--labels", labels, "--thresholds", 0.5, "--page", page, "--draws", 0
    )
    text = page.read_text("utf-8")
    assert not re.search(r"<script|<link|url\(|https?://", text)
    assert text.count("<img") == text.count('src="data:image/svg+xml;base64,') == 3
    assert text.count("<table>") == text.count("</table>") == 3


def test_thresholds_come_from_validation_are_kept_and_serve_again(tmp_path: Path) -> None:
    scores, labels = _score_files(tmp_path, seed=1)
    validation_scores, validation_labels = _score_files(tmp_path, seed=2)
    test = ("tags", "--scores", scores, "--labels", labels, "--draws", 0)
    validation = ("--validation-scores", validation_scores, "--validation-labels", validation_labels)
    kept = tmp_path / "kept.json"
    _evaluate(*test, *validation, "--save-thresholds", kept, "--json", tmp_path / "first.json")
    first = _read(tmp_path / "first.json")
    assert first["thresholds"]["kind"] == "validation"
    assert first["tuned_on_these_labels"] is False
    assert _read(kept)["tuned_on"]["scores"] == "2.npz"
    assert len(_read(kept)["tuned_on"]["scores_sha256"]) == 64
    _evaluate(*test, "--thresholds", kept, "--json", tmp_path / "again.json")
    again = _read(tmp_path / "again.json")
    assert again["thresholds"]["kind"] == "file"
    assert again["thresholds"]["tuned_on"]["labels"] == "2.tsv"
    assert again["f1_macro"] == first["f1_macro"]


@pytest.mark.parametrize("fusion", ["weights", "stacking"])
def test_a_fusion_learned_on_validation_says_what_it_learned_from(tmp_path: Path, fusion: str) -> None:
    scores, labels = _score_files(tmp_path, seed=1)
    validation_scores, validation_labels = _score_files(tmp_path, seed=2)
    validation = ("--validation-scores", validation_scores, "--validation-labels", validation_labels)
    json_file = tmp_path / "f.json"
    test = ("--scores", scores, "--labels", labels, "--fusion", fusion, "--draws", 0, "--json", json_file)
    assert _evaluate("tags", *test, *validation) == 0
    assert _read(json_file)["fusion"]["learned_on"] == {"scores": "2.npz", "labels": "2.tsv", "tracks": 120}


@pytest.mark.parametrize(
    ("further", "message"),
    [
        ((), r"1\.npz: thresholds come from validation: give --validation-scores"),
        (("--fusion", "stacking", "--thresholds", "official"), "'stacking' is learned on validation: give"),
        (("--fusion", "stakcing"), "no fusion 'stakcing'; near: stacking"),
        (
            ("--fusion", "crnn", "--thresholds", "official"),
            "needs crnn-lstm, crnn-gru, crnn-blstm; there are a, b",
        ),
        (("--fusion", "crnn", "--members", "a", "--thresholds", "official"), "names its members itself"),
        (("--members", "a,c", "--thresholds", "official"), "no member 'c'; there are a, b"),
        (("--thresholds", "nowhere.json"), "nowhere.json: no such file"),
        (("--thresholds", "official", "--save-thresholds", "x.json"), "these are official"),
        (("--validation-scores", "x.npz"), "together or not at all"),
        (("--thresholds", "nan"), "threshold nan is not a number"),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_the_reason(
    tmp_path: Path, further: tuple[str, ...], message: str
) -> None:
    scores, labels = _score_files(tmp_path, seed=1)
    with pytest.raises(DataError, match=message):
        _evaluate("tags", "--scores", scores, "--labels", labels, "--draws", 0, *further)
    assert not (tmp_path / "x.json").exists()


def test_curves_of_their_own_ratings_are_perfect(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rated = tmp_path / "rated.csv"
    rated.write_text(RATED, "utf-8")
    outputs = ("--json", tmp_path / "c.json", "--page", tmp_path / "c.html")
    assert _evaluate("curves", "--predictions", rated, "--annotations", rated, *outputs) == 0
    found = _read(tmp_path / "c.json")
    assert found["valence"]["rmse_mean"] == 0.0
    assert found["arousal"]["ccc_mean"] == pytest.approx(1.0)
    assert (found["songs"], found["steps"]) == (2, 10)
    assert "2 songs, 10 steps" in capsys.readouterr().out
    assert (tmp_path / "c.html").read_text("utf-8").count("<img") == 2


def test_curves_of_a_run_are_measured_by_the_files_names(tmp_path: Path, small_bundle: Bundle) -> None:
    (tmp_path / "in").mkdir()
    for name in ("one", "two"):
        soundfile.write(tmp_path / "in" / f"{name}.wav", music(6.0, seed=len(name)), 16_000)
    output = tmp_path / "out"
    run(plan_run(tmp_path / "in", output, small_bundle))
    rated = tmp_path / "rated.csv"
    rated.write_text("song,time,valence,arousal\none,1.0,0,0\none,2.5,0,0\none,90,0,0\ntwo,0,0,0\n", "utf-8")
    sides = ("--tables", output, "--annotations", rated)
    with pytest.raises(DataError, match="2 of 2 annotated songs have no prediction: no song 'one'"):
        _evaluate("curves", *sides)
    assert _evaluate("curves", *sides, "--stem", "--json", tmp_path / "c.json") == 0
    found = _read(tmp_path / "c.json")
    assert (found["songs"], found["steps"], found["steps_without_prediction"]) == (2, 3, 1)
    rated.write_text("song,valence,arousal\none,0.1,0.2\n", "utf-8")
    assert _evaluate("static", *sides, "--stem", "--json", tmp_path / "s.json") == 0
    assert _read(tmp_path / "s.json")["songs"] == 1
    with pytest.raises(DataError, match="no table 'antonyms'"):
        _evaluate("antonyms", *sides)


def test_static_ratings_are_read_from_their_scale(tmp_path: Path) -> None:
    (tmp_path / "rated.csv").write_text("song_id,mean_valence,mean_arousal\n1,9,1\n2,1,9\n3,7,7\n", "utf-8")
    (tmp_path / "found.csv").write_text("song,valence,arousal\n3,.5,.5\n2,-1,1\n1,1,-1\n", "utf-8")
    files = ("--predictions", tmp_path / "found.csv", "--annotations", tmp_path / "rated.csv")
    outputs = ("--json", tmp_path / "s.json", "--page", tmp_path / "s.html")
    assert _evaluate("static", *files, "--scale", "1,9", *outputs) == 0
    assert _read(tmp_path / "s.json")["valence"]["r2"] == 1.0
    assert _read(tmp_path / "s.json")["quadrants"]["accuracy"] == 1.0
    with pytest.raises(DataError, match=r"rated\.csv: a rating of 9 is outside \[-1, 1\]"):
        _evaluate("static", *files)


def test_antonyms_are_measured_pair_by_pair(tmp_path: Path) -> None:
    (tmp_path / "rated.csv").write_text(
        "song,pair,share\n1,joy-sad,.9\n2,joy-sad,.2\n1,calm-tense,.8\n", "utf-8"
    )
    (tmp_path / "found.csv").write_text(
        "song,pair,share\n1,joy-sad,.7\n2,joy-sad,.6\n1,calm-tense,.9\n", "utf-8"
    )
    files = ("--predictions", tmp_path / "found.csv", "--annotations", tmp_path / "rated.csv")
    assert _evaluate("antonyms", *files, "--json", tmp_path / "a.json", "--page", tmp_path / "a.html") == 0
    found = _read(tmp_path / "a.json")["pairs"]
    assert found["joy-sad"]["accuracy"] == 0.5
    assert found["joy-sad"]["confusion"]["sad"] == {"joy": 1.0, "sad": 0.0}
    assert found["calm-tense"]["accuracy_balanced"] is None


def test_the_nine_published_models_reproduce_table_1_by_the_command(
    shared_data: Path, tmp_path: Path
) -> None:
    scores = shared_data / "mediaeval2019" / "test_scores.npz"
    labels = shared_data / "jamendo" / "split0_test.tsv"
    files = ("--scores", scores, "--labels", labels, "--thresholds", "official", "--draws", 0)
    assert _evaluate("tags", *files, "--json", tmp_path / "all.json") == 0
    found = _read(tmp_path / "all.json")
    figures = [round(found[f"{name}_macro"], 4) for name in ("roc_auc", "pr_auc", "f1")]
    assert figures == [0.7425, 0.1175, 0.1750]
    assert _evaluate("tags", *files, "--fusion", "deep-spectrum-5s", "--json", tmp_path / "5s.json") == 0
    assert round(_read(tmp_path / "5s.json")["roc_auc_macro"], 4) == 0.7163
