"""Quality of tags: what a bundle says of it, what is decided by it, and what a run's tables hold of it."""

from __future__ import annotations

import argparse
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile

from models.bundle import Bundle, Decisions
from models.bundle_files import read_bundle
from models.bundle_index import INDEX
from models.bundle_source import SHIPPED
from models.decisions import decide, resolve, safe_logit
from models.quality import Quality, parse_quality
from pipelines.job_arguments import add_tag
from pipelines.option_hints import HintingParser
from pipelines.output.export import export
from pipelines.running.run import Run
from pipelines.tables import MoodTables, open_tables
from pipelines.tag_command import prepare
from schemas.errors import DataError, FailureKind
from tests.bundles import TAGS
from tests.jobs import run
from tests.sounds import music
from transforms.inputs.stage import inspect_input

WORDS = ("happy", "sad", "calm", "epic")
HAPPY, SAD, CALM, EPIC = range(4)
QUALITY: dict[str, Any] = {
    "grades": ["A", "B", "D", "C"],
    "off": ["calm"],
    "opposites": [["happy", "sad"], ["calm", "epic"]],
    "provenance": "made up",
}


def decisions(thresholds: Sequence[float]) -> Decisions:
    """Scores as they are, and these thresholds."""
    count = len(thresholds)
    return Decisions(np.ones(count), np.zeros(count), np.array(thresholds), "test", "test")


@pytest.mark.parametrize(
    ("scores", "thresholds", "opposites", "tagged", "contradicts"),
    [
        ([0.9, 0.8], [0.5, 0.5], [], [True, True], (None, None)),
        ([0.9, 0.8], [0.5, 0.5], [(0, 1)], [True, False], (1, 0)),
        ([0.9, 0.8], [0.5, 0.5], [(1, 0)], [True, False], (1, 0)),
        # 0.2 is further above 0.05 than 0.9 is above 0.8: in logits 1.6 and 0.8.
        ([0.9, 0.2], [0.8, 0.05], [(0, 1)], [False, True], (1, 0)),
        ([0.9, 0.4], [0.5, 0.5], [(0, 1)], [True, False], (None, None)),
        ([0.9, 0.5], [0.5, 0.5], [(0, 1)], [True, False], (None, None)),
        ([0.3, 0.4], [0.5, 0.5], [(0, 1)], [False, False], (None, None)),
        ([0.7, 0.7], [0.5, 0.5], [(0, 1)], [True, False], (1, 0)),
        ([0.7, 0.7], [0.5, 0.5], [(1, 0)], [False, True], (1, 0)),
        ([1.0, 1.0], [0.0, 0.0], [(1, 0)], [False, True], (1, 0)),
    ],
    ids=[
        "no opposites",
        "the larger margin",
        "the larger margin whatever the order",
        "margins, not scores",
        "one below",
        "one at its threshold",
        "both below",
        "a tie",
        "a tie the other way",
        "both at the end of the scale",
    ],
)
def test_of_two_opposite_tags_the_one_further_above_its_threshold_stays(
    scores: list[float],
    thresholds: list[float],
    opposites: list[tuple[int, int]],
    tagged: list[bool],
    contradicts: tuple[int | None, ...],
) -> None:
    decision = decide(np.array([scores]), decisions(thresholds), Quality(opposites=tuple(opposites)))
    assert decision.tagged.tolist() == tagged
    assert decision.contradicts == contradicts


@pytest.mark.parametrize(
    ("margin", "opposites", "tagged", "contradicts"),
    [
        ([3.0, 2.0, 1.0], [(0, 1), (1, 2)], [True, False, False], (1, 0, 1)),
        ([3.0, 2.0, 1.0], [(1, 2), (0, 1)], [True, False, False], (1, 0, 1)),
        ([1.0, 3.0, 2.0], [(0, 1), (0, 2)], [False, True, True], (1, 0, 0)),
        ([1.0, 2.0, 2.0], [(0, 2), (0, 1)], [False, True, True], (2, 0, 0)),
        ([1.0, 2.0, 3.0], [(0, 1), (1, 2), (2, 0)], [False, False, True], (2, 2, 1)),
    ],
    ids=["a chain", "a chain the other way", "the largest of two", "the first of two equal ones", "a ring"],
)
def test_each_pair_is_settled_as_if_it_were_the_only_one(
    margin: list[float],
    opposites: list[tuple[int, int]],
    tagged: list[bool],
    contradicts: tuple[int | None, ...],
) -> None:
    above = np.ones(3, bool)
    found, against = resolve(above, np.array(margin), opposites)
    assert (found.tolist(), against) == (tagged, contradicts)
    assert above.all()  # what came in is as it was


@pytest.mark.parametrize(
    ("all_tags", "tagged", "contradicts"),
    [
        (False, [True, False, False, True], (SAD, HAPPY, None, None)),
        (True, [True, False, True, False], (SAD, HAPPY, EPIC, CALM)),
    ],
)
def test_a_tag_that_is_off_is_not_tagged_and_contradicts_nothing_unless_all_are_asked_for(
    all_tags: bool, tagged: list[bool], contradicts: tuple[int | None, ...]
) -> None:
    scores = np.array([[0.8, 0.7, 0.9, 0.6]])
    quality = parse_quality(QUALITY, WORDS).deciding(all_tags=all_tags)
    decision = decide(scores, decisions([0.5] * 4), quality)
    assert decision.tagged.tolist() == tagged
    assert decision.contradicts == contradicts
    plain = decide(scores, decisions([0.5] * 4))
    assert plain.tagged.all()
    for name in ("score", "raw_score", "rank", "disagreement"):
        np.testing.assert_array_equal(getattr(decision, name), getattr(plain, name))


def test_no_track_keeps_both_tags_of_a_pair_and_none_without_opposites_loses_one() -> None:
    rng = np.random.default_rng(5)
    pairs = ((0, 1), (1, 2), (3, 4))
    for _ in range(200):
        scores, rule = rng.random((3, 6)), decisions(rng.uniform(0.2, 0.6, 6).tolist())
        plain, decided = decide(scores, rule), decide(scores, rule, Quality(opposites=pairs))
        assert not any(decided.tagged[first] and decided.tagged[second] for first, second in pairs)
        lost = plain.tagged & ~decided.tagged
        assert all(decided.contradicts[tag] is not None for tag in np.flatnonzero(lost))
        assert not lost[5]


@pytest.fixture
def folder(small_bundle: Bundle, tmp_path: Path) -> Path:
    """A copy of the small bundle."""
    return Path(shutil.copytree(small_bundle.folder, tmp_path / "bundle"))


def with_fields(folder: Path, **fields: Any) -> None:
    """Write these into the index of a bundle."""
    index = json.loads((folder / INDEX).read_text("utf-8"))
    (folder / INDEX).write_text(json.dumps({**index, **fields}), "utf-8")


def quality_of(tags: Sequence[str], **changed: Any) -> dict[str, Any]:
    """Quality of the small bundle: tag0 against tag1, tag2 against tag3, tag3 off."""
    return {
        "grades": [*"ABCD", *"AAAA"][: len(tags)],
        "off": ["tag3"],
        "opposites": [["tag0", "tag1"], ["tag2", "tag3"]],
        "provenance": "made up",
        **changed,
    }


def test_a_bundle_says_how_good_its_tags_are(folder: Path) -> None:
    with_fields(folder, quality=quality_of(TAGS))
    quality = read_bundle(folder).quality
    assert quality == Quality(tuple("ABCDAAAA"), (3,), ((0, 1), (2, 3)), "made up")
    assert (quality.grade(1), quality.undecided) == ("B", (3,))
    assert quality.deciding(all_tags=True).undecided == ()


@pytest.mark.parametrize("name", ["small", "default"])
def test_a_bundle_without_a_word_on_quality_has_no_grades_and_nothing_off(
    name: str, small_bundle: Bundle
) -> None:
    bundle = small_bundle if name == "small" else read_bundle(SHIPPED / name)
    if "quality" in json.loads((bundle.folder / INDEX).read_text("utf-8")):
        pytest.skip(f"bundle {name} has grades")
    assert bundle.quality == Quality()
    assert {bundle.quality.grade(index) for index in range(len(bundle.tags))} == {""}


@pytest.mark.parametrize(
    ("quality", "message"),
    [
        (None, "quality None is not an object"),
        ([], "quality [] is not an object"),
        ({}, "'grades' is missing"),
        (quality_of(TAGS, grade=[]), "quality has 'grade', which is not known"),
        (quality_of(TAGS[:7]), "quality.grades needs 8 grades, has 7"),
        (quality_of(TAGS, grades="ABCDAAAA"), "quality.grades 'ABCDAAAA' is not a list"),
        (quality_of(TAGS, grades=[*"ABCDEAAA"]), "quality.grades has 'E'; grades are A, B, C, D"),
        (quality_of(TAGS, grades=[*"abcdaaaa"]), "quality.grades has 'a'"),
        (quality_of(TAGS, grades=[1] * 8), "quality.grades has 1"),
        (quality_of(TAGS, grades=[["A"]] * 8), "quality.grades has ['A']"),
        (quality_of(TAGS, off=["tag8"]), "quality.off has 'tag8', which is not a tag of this bundle"),
        (quality_of(TAGS, off=[3]), "quality.off has 3, which is not a tag of this bundle"),
        (quality_of(TAGS, off=["tag3", "tag3"]), "quality.off has 'tag3' 2 times"),
        (quality_of(TAGS, off="tag3"), "quality.off 'tag3' is not a list"),
        (quality_of(TAGS, opposites=[["tag0", "joy"]]), "quality.opposites has 'joy', which is not a tag"),
        (quality_of(TAGS, opposites=[["tag0"]]), "quality.opposites has ['tag0'], which is not two tags"),
        (quality_of(TAGS, opposites=["tag0-tag1"]), "'tag0-tag1', which is not two tags"),
        (quality_of(TAGS, opposites=[["tag0", "tag0"]]), "['tag0', 'tag0']: a tag is not its own opposite"),
        (quality_of(TAGS, opposites=[["tag0", "tag1"]] * 2), "quality.opposites has ['tag0', 'tag1'] twice"),
        (quality_of(TAGS, opposites=[["tag0", "tag1"], ["tag1", "tag0"]]), "has ['tag1', 'tag0'] twice"),
        (quality_of(TAGS, opposites={"tag0": "tag1"}), "quality.opposites {'tag0': 'tag1'} is not a list"),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_quality_that_does_not_fit_its_bundle_is_refused_with_the_value(
    quality: Any, message: str, folder: Path
) -> None:
    with_fields(folder, quality=quality)
    with pytest.raises(DataError, match=r"bundle\.json") as caught:
        read_bundle(folder)
    assert caught.value.kind is FailureKind.BAD_BUNDLE
    assert message in caught.value.message


def arguments(*given: str) -> argparse.Namespace:
    """The arguments of `moodscribe tag`."""
    parser = HintingParser()
    add_tag(parser.add_subparsers())
    return parser.parse_args(["tag", *given])


def planned(source: Path, output: Path, bundle: Bundle, *options: str) -> Run:
    """The run of `moodscribe tag` with these options."""
    given = arguments(str(source), "--output", str(output), "--bundle", str(bundle.folder), *options)
    return prepare(given, inspect_input(str(source)), bundle, str(output))(None, "")


@dataclass(frozen=True, slots=True)
class Tagged:
    """A run by default and one that decides all tags, each with its record and tables."""

    bundle: Bundle
    outputs: tuple[Path, Path]
    records: tuple[dict[str, Any], dict[str, Any]]
    tables: tuple[MoodTables, MoodTables]


@pytest.fixture(scope="module")
def tagged(small_bundle: Bundle, tmp_path_factory: pytest.TempPathFactory) -> Tagged:
    """Two tracks under a bundle that has every score above its threshold."""
    folder = tmp_path_factory.mktemp("quality")
    source = folder / "sounds"
    source.mkdir()
    for seed in (1, 2):
        soundfile.write(source / f"{seed}.wav", music(4.0, seed=seed), 16_000)
    shutil.copytree(small_bundle.folder, folder / "bundle")
    calibration = {"method": "platt", "scale": [1.0] * 8, "bias": [0.0] * 8, "provenance": "none"}
    thresholds = {"values": [0.01] * 8, "provenance": "none"}
    with_fields(folder / "bundle", quality=quality_of(TAGS), calibration=calibration, thresholds=thresholds)
    bundle = read_bundle(folder / "bundle")
    outputs = (folder / "by-default", folder / "all-tags")
    first, second = (
        run(planned(source, output, bundle, *options))
        for output, options in zip(outputs, ((), ("--all-tags",)), strict=True)
    )
    by_default, all_tags = (open_tables(str(output)) for output in outputs)
    return Tagged(bundle, outputs, (first, second), (by_default, all_tags))


def of_tag(rows: pd.DataFrame, column: str) -> dict[str, list[Any]]:
    """Values of a column by tag, in order of track; null is None."""
    ordered = rows.sort_values(["tag", "track_id"])
    return {
        str(tag): [None if pd.isna(value) else value for value in some]
        for tag, some in ordered.groupby("tag")[column]
    }


def test_a_run_writes_grade_off_and_contradicts_of_every_tag(tagged: Tagged) -> None:
    for tables in tagged.tables:
        rows = tables.read("mood_tags")
        assert (rows["score"] > rows["threshold"]).all()
        assert {tag: grades[0] for tag, grades in of_tag(rows, "grade").items()} == dict(
            zip(TAGS, "ABCDAAAA", strict=True)
        )
        assert set(rows["tag"][rows["off"]]) == {"tag3"}
    by_default, all_tags = (of_tag(tables.read("mood_tags"), "contradicts") for tables in tagged.tables)
    asked = {"tag2": ["tag3"] * 2, "tag3": ["tag2"] * 2}
    expected = {tag: [None] * 2 for tag in TAGS} | {"tag0": ["tag1"] * 2, "tag1": ["tag0"] * 2}
    assert by_default == expected
    assert all_tags == expected | asked


def test_a_run_tags_what_is_left_of_opposites_and_what_is_off_only_when_asked(tagged: Tagged) -> None:
    for tables, off in zip(tagged.tables, (["tag3"], []), strict=True):
        for _, rows in tables.read("mood_tags").groupby("track_id"):
            one = rows.set_index("tag")
            margin = pd.Series(
                safe_logit(one["score"].to_numpy()) - safe_logit(one["threshold"].to_numpy()), one.index
            )
            pairs = [("tag0", "tag1"), *(() if off else [("tag2", "tag3")])]
            lost = [min(pair, key=lambda tag: float(margin[tag])) for pair in pairs]
            assert set(one.index[~one["tagged"]]) == {*lost, *off}


def test_what_is_off_changes_no_score_and_no_rank(tagged: Tagged) -> None:
    one, other = (
        tables.read("mood_tags").sort_values(["track_id", "tag"]).reset_index(drop=True)
        for tables in tagged.tables
    )
    for column in ("score", "raw_score", "threshold", "rank", "disagreement"):
        pd.testing.assert_series_equal(one[column], other[column])


def test_the_rates_of_a_run_are_those_of_its_rows_and_of_no_tag_that_is_not_decided(tagged: Tagged) -> None:
    for record, tables, tags in zip(
        tagged.records, tagged.tables, ([*TAGS[:3], *TAGS[4:]], list(TAGS)), strict=True
    ):
        shares = tables.read("mood_tags").groupby("tag")["tagged"].mean()
        assert record["tag_rates"] == {tag: shares[tag] for tag in tags}
        assert record["bundle"]["off"] == ["tag3"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet", ".jsonl"])
def test_an_export_has_every_row_with_its_quality(tagged: Tagged, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"tags{suffix}"
    assert export(str(tagged.outputs[0]), "mood_tags", str(file)) == 2 * len(TAGS)
    query = f"SELECT tag, grade, off, contradicts FROM '{file}' WHERE grade IN ('B', 'D')"  # noqa: S608
    found = duckdb.connect().execute(query).fetchall()
    assert sorted(found) == [("tag1", "B", False, "tag0")] * 2 + [("tag3", "D", True, None)] * 2


@pytest.mark.parametrize("mixed", [False, True], ids=["alone", "beside a newer run"])
def test_rows_of_the_tables_first_version_read_as_ungraded(
    tagged: Tagged, mixed: bool, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    shutil.copytree(tagged.outputs[0], output)
    if mixed:
        shutil.copytree(tagged.outputs[1], output, dirs_exist_ok=True)
    (old,) = output.glob(f"run_id={tagged.records[0]['run_id']}/mood_tags/*.parquet")
    reduced = old.with_suffix(".old")
    pq.write_table(pq.read_table(old).drop_columns(["grade", "off", "contradicts"]), reduced)
    reduced.replace(old)
    tables = open_tables(str(output))
    rows = tables.query("SELECT * FROM mood_tags WHERE NOT off")
    assert len(rows) == (2 * (len(TAGS) - 1) if mixed else 2 * len(TAGS))
    assert rows["off"].dtype == bool
    assert set(rows["grade"]) == ({"A", "B", "C"} if mixed else {""})


def test_all_tags_is_a_setting_of_the_run(tagged: Tagged) -> None:
    first, second = tagged.records
    assert [record["settings"]["all_tags"] for record in (first, second)] == [False, True]
    assert first["work"]["decision"] != second["work"]["decision"]
    assert {**first["work"], "decision": ""} == {**second["work"], "decision": ""}
