"""Evaluation by the official protocols: closed forms, parity with scikit-learn, and the published table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.evaluation.antonyms import PairShares, evaluate_pair
from models.evaluation.curves import SongCurves, evaluate_curves
from models.evaluation.fusion import FUSIONS, learn_fusion, mean_fusion, published_members
from models.evaluation.learned_fusion import fit_pool
from models.evaluation.measures.agreement import concordance
from models.evaluation.measures.bootstrap import Draws, bootstrap_tags
from models.evaluation.measures.decided import measure_decisions
from models.evaluation.measures.ranking import areas, average_precision, rank, roc_auc
from models.evaluation.measures.reliability import reliability
from models.evaluation.measures.thresholds import between_thresholds, decide, official_thresholds
from models.evaluation.reading.affect_tables import curves_of, read_table, shares_of
from models.evaluation.reading.labels import OFFICIAL_TAGS, read_labels
from models.evaluation.reading.matching import Matching, align, match_songs
from models.evaluation.reading.scale import Scale
from models.evaluation.reading.scores import MemberScores, read_scores
from models.evaluation.reading.threshold_files import read_thresholds
from models.evaluation.static import StaticRatings, evaluate_static, measure_quadrants, quadrants_of
from models.evaluation.tags import Scored, evaluate_tags, fixed, popularity_scores, tune_official
from models.training import metrics
from schemas.errors import DataError

HEADER = "TRACK_ID\tARTIST_ID\tALBUM_ID\tPATH\tDURATION\tTAGS\n"


def _random(items: int, tags: int, *, levels: int = 0) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
    rng = np.random.default_rng(5)
    labels = rng.random((items, tags)) < 0.2
    scores = np.clip(rng.normal(0.3, 0.15, (items, tags)) + 0.15 * labels, 0.0, 1.0)
    return labels, np.round(scores * levels) / levels if levels else scores


@pytest.mark.parametrize("levels", [0, 7], ids=["scores all different", "scores with many ties"])
def test_areas_are_those_of_scikit_learn(levels: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, scores = _random(400, 9, levels=levels)
    expected = [sklearn.roc_auc_score(labels[:, tag], scores[:, tag]) for tag in range(9)]
    assert roc_auc(labels, scores) == pytest.approx(expected, abs=1e-12)
    expected = [sklearn.average_precision_score(labels[:, tag], scores[:, tag]) for tag in range(9)]
    assert average_precision(labels, scores) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("levels", [0, 7], ids=["scores all different", "scores with many ties"])
def test_official_thresholds_are_those_of_the_official_rule_in_scikit_learn(levels: int) -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, scores = _random(300, 6, levels=levels)
    for tag, found in enumerate(official_thresholds(labels, scores)):
        p, r, thresholds = sklearn.precision_recall_curve(labels[:, tag], scores[:, tag])
        f = np.nan_to_num(2 * p * r / np.maximum(p + r, 1e-300))
        assert found == thresholds[np.argmax(f)]


def test_decisions_are_measured_as_scikit_learn_measures_them() -> None:
    sklearn = pytest.importorskip("sklearn.metrics")
    labels, scores = _random(200, 8)
    decided = scores > 0.4
    decided[:, 3] = False
    found = measure_decisions(labels, decided).figures()
    for average in ("macro", "micro"):
        expected = sklearn.precision_recall_fscore_support(labels, decided, average=average, zero_division=0)
        measured = [found[f"{name}_{average}"] for name in ("precision", "recall", "f1")]
        assert measured == pytest.approx(expected[:3])


def test_areas_are_those_of_the_training_measures() -> None:
    labels, scores = _random(150, 3, levels=5)
    assert roc_auc(labels, scores)[1] == pytest.approx(metrics.roc_auc(labels[:, 1], scores[:, 1]))
    expected = metrics.average_precision(labels[:, 1], scores[:, 1])
    assert average_precision(labels, scores)[1] == pytest.approx(expected)


def test_constant_scores_rank_like_chance_and_perfect_ones_perfectly() -> None:
    labels, _ = _random(100, 4)
    assert roc_auc(labels, np.full(labels.shape, 0.3)).tolist() == [0.5] * 4
    assert average_precision(labels, np.full(labels.shape, 0.3)) == pytest.approx(labels.mean(axis=0))
    assert roc_auc(labels, labels.astype(float)).tolist() == [1.0] * 4
    assert average_precision(labels, labels.astype(float)).tolist() == [1.0] * 4
    assert roc_auc(labels, -labels.astype(float)).tolist() == [0.0] * 4


def test_a_tag_without_a_positive_track_has_no_area_and_is_named() -> None:
    labels, scores = _random(60, 3)
    labels[:, 1] = False
    scored = Scored(("a", "b", "c"), scores, labels)
    found = evaluate_tags(scored, tune_official(scored))
    assert found["tags_without_positive"] == ["b"]
    assert found["tags"][1]["roc_auc"] is None
    assert found["roc_auc_macro"] == pytest.approx(np.mean(roc_auc(labels, scores)[[0, 2]]))


def test_counts_measure_as_if_items_were_repeated() -> None:
    labels, scores = _random(80, 4, levels=9)
    counts = np.random.default_rng(2).integers(0, 4, 80)
    repeated = np.repeat(np.arange(80), counts)
    found = areas(rank(labels, scores), counts.astype(float))
    assert found[0] == pytest.approx(roc_auc(labels[repeated], scores[repeated]))
    assert found[1] == pytest.approx(average_precision(labels[repeated], scores[repeated]))


def test_bootstrap_intervals_hold_the_figure_and_repeat_under_a_seed() -> None:
    labels, scores = _random(500, 5)
    first = bootstrap_tags(labels, scores, scores > 0.4, how=Draws(draws=100, seed=3))
    again = bootstrap_tags(labels, scores, scores > 0.4, how=Draws(draws=100, seed=3))
    assert first == again
    low, high = first["roc_auc_macro"]
    assert low < roc_auc(labels, scores).mean() < high
    low, high = first["f1_micro"]
    assert low < measure_decisions(labels, scores > 0.4).figures()["f1_micro"] < high


def test_official_thresholds_leave_the_best_score_itself_untagged_and_others_do_not() -> None:
    scores = np.array([[0.9], [0.8], [0.3], [0.1]])
    labels = np.array([[True], [True], [False], [False]])
    assert official_thresholds(labels, scores).tolist() == [0.8]
    assert decide(scores, official_thresholds(labels, scores)).ravel().tolist() == [True, False, False, False]
    assert between_thresholds(labels, scores) == pytest.approx([0.55])
    assert decide(scores, between_thresholds(labels, scores)).ravel().tolist() == [True, True, False, False]


def test_a_calibrated_score_has_no_error_and_a_boast_has_its_own() -> None:
    labels = np.arange(100) < 30
    assert reliability(labels, np.full(100, 0.3)).error == pytest.approx(0.0)
    assert reliability(labels, np.full(100, 0.95)).error == pytest.approx(0.65)
    assert reliability(labels, np.ones(100)).count[-1] == 100


def _members(items: int = 1500) -> MemberScores:
    """Two good members with errors of their own, and one that knows nothing."""
    rng = np.random.default_rng(8)
    labels = rng.random((items, 4)) < 0.25
    logits = np.stack([labels * gain + rng.normal(-1.5, 1.0, labels.shape) for gain in (1.5, 1.2, 0.0)])
    return MemberScores("v.npz", "v.tsv", ("a", "b", "c"), tuple("wxyz"), 1 / (1 + np.exp(-logits)), labels)


@pytest.mark.parametrize("name", ["weights", "stacking"])
def test_a_learned_fusion_is_better_than_the_mean_where_a_member_knows_nothing(name: str) -> None:
    given = _members()
    fit, held = np.arange(1500) < 750, np.arange(1500) >= 750
    half = MemberScores("v", "t", given.members, given.tags, given.scores[:, fit], given.labels[fit])
    fused = learn_fusion(name, half).apply(given.scores[:, held])
    mean = mean_fusion().apply(given.scores[:, held])
    assert roc_auc(given.labels[held], fused).mean() > roc_auc(given.labels[held], mean).mean() + 0.01
    assert ((fused > 0) & (fused < 1)).all()


def test_weights_sum_to_one_and_the_member_that_knows_nothing_has_the_least() -> None:
    given = _members()
    weights = fit_pool(given.scores, given.labels)
    assert weights.sum() == pytest.approx(1.0)
    assert (weights >= 0).all()
    assert weights.argmin() == 2


def test_stacking_holds_where_a_tag_has_no_positive_track() -> None:
    given = _members(300)
    given.labels[:, 2] = False
    assert np.isfinite(learn_fusion("stacking", given).apply(given.scores)).all()


def test_a_learned_fusion_refuses_scores_that_are_no_probabilities() -> None:
    given = _members(50)
    given.scores[1, 4, 2] = 1.5
    with pytest.raises(DataError, match=r"v\.npz: member 'b' has a score of 1\.5"):
        learn_fusion("stacking", given)


def test_a_published_fusion_names_the_members_that_are_not_there() -> None:
    assert [len(members) for members in FUSIONS.values()] == [3, 3, 3, 6, 9]
    with pytest.raises(DataError, match="fusion 'crnn' needs crnn-gru"):
        published_members("crnn", ["crnn-lstm", "crnn-blstm"], file="x.npz")


# Table 1 of the paper, macro ROC-AUC, as recomputed from the published predictions.
SINGLE = {
    "crnn-lstm": 0.6939,
    "crnn-gru": 0.6946,
    "crnn-blstm": 0.6824,
    "deep-spectrum-1s-lstm": 0.7004,
    "deep-spectrum-1s-gru": 0.6980,
    "deep-spectrum-1s-blstm": 0.7101,
    "deep-spectrum-5s-lstm": 0.7030,
    "deep-spectrum-5s-gru": 0.6986,
    "deep-spectrum-5s-blstm": 0.7078,
}
GROUPS = {
    "crnn": 0.7066,
    "deep-spectrum-1s": 0.7147,
    "deep-spectrum-5s": 0.7163,
    "deep-spectrum": 0.7260,
    "all-nine": 0.7425,
}


@pytest.fixture
def published(shared_data: Path) -> MemberScores:
    """The nine published score arrays and the official test labels."""
    listed = read_labels(shared_data / "jamendo" / "split0_test.tsv")
    return read_scores(shared_data / "mediaeval2019" / "test_scores.npz", listed)


def test_table_1_of_the_tagging_paper_is_reproduced_to_its_digits(published: MemberScores) -> None:
    scores = dict(zip(published.members, published.scores, strict=True))
    for name, expected in SINGLE.items():
        assert round(float(roc_auc(published.labels, scores[name]).mean()), 4) == expected, name
    for name, expected in GROUPS.items():
        mean = mean_fusion().apply(np.stack([scores[member] for member in FUSIONS[name]]))
        assert round(float(roc_auc(published.labels, mean).mean()), 4) == expected, name


def test_the_nine_models_have_the_published_pr_auc_and_f(published: MemberScores) -> None:
    scored = Scored(published.tags, mean_fusion().apply(published.scores), published.labels)
    found = evaluate_tags(scored, tune_official(scored))
    assert round(found["pr_auc_macro"], 4) == 0.1175
    assert round(found["f1_macro"], 4) == 0.1750
    assert found["tuned_on_these_labels"] is True
    assert found["f1_macro_cross_fitted"] == pytest.approx(0.162, abs=0.001)


def test_the_popularity_baseline_has_its_published_figures(
    published: MemberScores, shared_data: Path
) -> None:
    train = read_labels(shared_data / "jamendo" / "split0_train.tsv").matrix(OFFICIAL_TAGS)
    scored = Scored(published.tags, popularity_scores(train, len(published.labels)), published.labels)
    found = evaluate_tags(scored, fixed(0.5, 56))
    assert found["roc_auc_macro"] == 0.5
    assert round(found["pr_auc_macro"], 4) == 0.0319
    assert round(found["f1_macro"], 4) == 0.0026


def _labels(folder: Path, rows: str, *, header: str = HEADER) -> Path:
    path = folder / "list.tsv"
    path.write_text(header + rows, encoding="utf-8")
    return path


GOOD = (
    "track_0000001\ta\tb\tc\t9.0\tmood/theme---calm\tmood/theme---dark\n"
    "track_0000002\ta\tb\tc\t9.0\tgenre---rock\tmood/theme---dark\n"
    "track_0000003\ta\tb\tc\t9.0\tmood/theme---calm\n"
)


def test_labels_are_read_from_rows_of_any_width(tmp_path: Path) -> None:
    listed = read_labels(_labels(tmp_path, GOOD))
    assert listed.tags == ("calm", "dark")
    assert listed.matrix(listed.tags).tolist() == [[True, True], [False, True], [True, False]]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("track_0000001\ta\tb\tc\t9.0\tgenre---rock\n", "track 1 has no mood/theme tag"),
        ("track_0000001\ta\tb\tc\t9.0\n", "track track_0000001 has no labels"),
        (GOOD + GOOD.splitlines()[0], "track_0000001 is there 2 times"),
        ("track_x\ta\tb\tc\t9.0\tmood/theme---calm\n", "line 2 is not a track's: 'track_x"),
        ("", "there are no tracks"),
    ],
)
def test_a_list_of_labels_that_is_not_whole_is_refused(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(DataError, match=rf"list\.tsv: .*{message}"):
        read_labels(_labels(tmp_path, rows))


def test_a_list_without_its_header_is_refused_before_its_first_track_is_lost(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="not an MTG-Jamendo list: it starts with 'track_0000001"):
        read_labels(_labels(tmp_path, GOOD, header=""))


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"a": np.zeros((3, 5))}, "5 columns, but list.tsv has 2 tags"),
        ({"a": np.zeros((4, 2))}, r"member 'a' is \[4, 2\], but the labels are \[3, 2\]"),
        ({"a": np.zeros((3, 2)), "b": np.array([[0, 0], [0, np.nan], [0, 0]])}, "'b': score nan in row 1,"),
        ({"a": np.zeros((3, 2)), "tags": np.array(["calm", "drak"])}, "track 1: no tag 'dark'; near: drak"),
        ({"a": np.zeros((3, 2)), "tracks": np.array([1, 2, 7])}, "no labels for track 7"),
        ({"a": np.zeros((3, 2)), "tracks": np.array([1, 2, 2])}, "names a track twice"),
        ({"a": np.array([["x", "y"]] * 3)}, "holds <U1, not numbers"),
        ({"tags": np.array(["calm", "dark"])}, "no array of scores"),
        ({"a": np.array([[None, 1]] * 3)}, "not a .npz file of numbers"),
    ],
)  # fmt: skip
def test_scores_that_do_not_fit_are_refused_by_file_and_value(
    tmp_path: Path, arrays: dict[str, NDArray[np.generic]], message: str
) -> None:
    np.savez(tmp_path / "s.npz", **arrays)  # type: ignore[arg-type]
    listed = read_labels(_labels(tmp_path, GOOD))
    with pytest.raises(DataError, match=message):
        read_scores(tmp_path / "s.npz", listed)


def test_an_unknown_member_is_refused_with_the_names_near_it(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", **{"crnn-gru": np.zeros((3, 2)), "crnn-lstm": np.zeros((3, 2))})  # type: ignore[arg-type]
    with pytest.raises(DataError, match=r"s\.npz: no member 'crnn-grru'; near: crnn-gru"):
        read_scores(tmp_path / "s.npz", read_labels(_labels(tmp_path, GOOD)), members=["crnn-grru"])


def test_a_misspelt_tag_among_the_official_ones_is_refused(tmp_path: Path) -> None:
    np.savez(tmp_path / "s.npz", a=np.zeros((1, 56)))
    listed = read_labels(_labels(tmp_path, "track_0000001\ta\tb\tc\t9.0\tmood/theme---hapy\n"))
    with pytest.raises(DataError, match=r"list\.tsv: track 1: no tag 'hapy'; near: happy"):
        read_scores(tmp_path / "s.npz", listed)


def test_rows_and_columns_named_in_the_file_go_by_their_names(tmp_path: Path) -> None:
    scores = np.arange(4.0).reshape(2, 2)
    np.savez(tmp_path / "s.npz", a=scores, tags=np.array(["dark", "calm"]), tracks=np.array([3, 2]))
    found = read_scores(tmp_path / "s.npz", read_labels(_labels(tmp_path, GOOD)))
    assert found.tags == ("dark", "calm")
    assert found.labels.tolist() == [[False, True], [True, False]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"calm": 0.2}', "no threshold for dark"),
        ('{"calm": 0.2, "drak": 0.1}', "no tag 'drak'; near: dark"),
        ('{"calm": 0.2, "dark": "x"}', "threshold of 'dark' is 'x'"),
        ('{"calm": NaN, "dark": 0.1}', "threshold of 'calm' is nan"),
        ("[]", "not an object"),
        ("{", "not JSON"),
    ],
)
def test_thresholds_that_do_not_fit_are_refused(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.json").write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"t\.json: {message}"):
        read_thresholds(tmp_path / "t.json", ("calm", "dark"))


def _song(truth: list[float], predicted: list[float], name: str = "s") -> SongCurves:
    both = [np.stack([np.array(values), np.array(values)], axis=1) for values in (truth, predicted)]
    return SongCurves(name, np.arange(len(truth)) / 2.0, *both)


def test_a_perfect_curve_and_its_opposite_have_their_measures_in_closed_form() -> None:
    wave = [0.5, -0.5, 0.5, -0.5]
    perfect = evaluate_curves([_song(wave, wave)])["valence"]
    assert (perfect["rmse_mean"], perfect["r_mean"], perfect["ccc_mean"]) == pytest.approx((0.0, 1.0, 1.0))
    opposite = evaluate_curves([_song(wave, [-value for value in wave])])["valence"]
    assert (opposite["rmse_mean"], opposite["r_mean"], opposite["ccc_mean"]) == pytest.approx(
        (1.0, -1.0, -1.0)
    )
    shifted = evaluate_curves([_song(wave, [value + 0.5 for value in wave])])["valence"]
    assert (shifted["rmse_mean"], shifted["r_mean"]) == pytest.approx((0.5, 1.0))
    assert shifted["ccc_mean"] == pytest.approx(2 * 0.25 / (0.25 + 0.25 + 0.25))


def test_a_constant_prediction_has_an_error_but_no_r_and_is_counted() -> None:
    wave = [0.5, -0.5, 0.5, -0.5]
    found = evaluate_curves([_song(wave, [0.0] * 4), _song(wave, wave)])["arousal"]
    assert found["songs_without_r"] == 1
    assert found["r_mean"] == pytest.approx(1.0)
    assert found["ccc_mean"] == pytest.approx(0.5)
    assert (found["rmse_mean"], found["rmse_sd"]) == pytest.approx((0.25, 0.25))
    alone = evaluate_curves([_song(wave, [0.0] * 4)])["arousal"]
    assert alone["r_mean"] is None
    assert np.isnan(concordance(np.zeros(3), np.zeros(3)))


def test_pooled_error_weighs_steps_and_the_mean_weighs_songs() -> None:
    found = evaluate_curves([_song([0.0] * 3, [1.0] * 3), _song([0.0], [0.0], "t")])["valence"]
    assert found["rmse_mean"] == pytest.approx(0.5)
    assert found["rmse_pooled"] == pytest.approx(np.sqrt(0.75))


def test_a_time_is_predicted_by_the_step_that_holds_it() -> None:
    predicted = np.array([0.0, 0.5, 1.0]), np.array([[0.0, 0.0], [0.1, 0.1], [0.2, 0.2]])
    truth = np.array([0.25, 0.5, 1.4, 1.5]), np.zeros((4, 2))
    curves, bare = align("s", truth, predicted)
    assert curves is not None
    assert curves.predicted[:, 0].tolist() == [0.0, 0.1, 0.2]
    assert bare == 1
    assert align("s", (np.array([9.0]), np.zeros((1, 2))), predicted) == (None, 1)


def test_songs_without_prediction_are_refused_or_left_out_and_named() -> None:
    truth, predicted = {"a": 1, "b": 2}, {"a": 3, "x": 4}
    with pytest.raises(DataError, match=r"p\.csv: 1 of 2 annotated songs have no prediction: no song 'b'"):
        match_songs(truth, predicted, Matching(), source="p.csv")
    assert match_songs(truth, predicted, Matching(partial=True), source="p") == ({"a": (1, 3)}, ["b"])
    with pytest.raises(DataError, match="2 of 2"):
        match_songs(truth, {"x": 1}, Matching(partial=True), source="p")
    stems = match_songs({"a": 1}, {"gs://b/a.mp3": 2}, Matching(stem=True), source="p")
    assert stems == ({"a": (1, 2)}, [])
    with pytest.raises(DataError, match="two songs have the stem 'a'"):
        match_songs({"a": 1}, {"x/a.mp3": 2, "y/a.mp3": 2}, Matching(stem=True), source="p")


def test_curves_are_read_from_rows_and_from_lists_alike(tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text(
        "song,time,valence,arousal\n2,0.5,0.3,0.4\n2,0.0,0.1,0.2\n", encoding="utf-8"
    )
    (tmp_path / "lists.csv").write_text(
        'track_id,start_s,step_s,valence,arousal\n2,0.0,0.5,"[0.1, 0.3]","[0.2, 0.4]"\n', encoding="utf-8"
    )
    for name in ("rows.csv", "lists.csv"):
        table = read_table(tmp_path / name, columns=("song", "valence", "arousal"))
        time, values = curves_of(table, source=name)["2"]
        assert time.tolist() == [0.0, 0.5]
        assert values.tolist() == [[0.1, 0.2], [0.3, 0.4]]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("song,time,valence\n1,0,0\n", "no column arousal; there are song, time, valence"),
        ("song,time,valence,arousal\n", "there are no rows in it"),
        ("song,time,valence,arousal\n1,0,,0\n", "song 1: valence is 'nan'"),
        ("song,time,valence,arousal\n1,0,loud,0\n", "song 1: valence is 'loud'"),
        ("song,time,valence,arousal\n1,0,0,0\n1,0,0,0\n", "song 1: time 0 is there twice"),
        ("song,valence,arousal\n1,0,0\n", "neither column `time` nor"),
        ("", "not a table"),
    ],
)
def test_a_table_of_curves_that_is_not_whole_is_refused(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "c.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(DataError, match=rf"c\.csv: {message}"):
        curves_of(read_table(path, columns=("song", "valence", "arousal")), source="c.csv")


def test_ratings_come_from_their_stated_scale_and_no_other() -> None:
    assert Scale(1.0, 9.0).to_ours(np.array([1.0, 5.0, 9.0]), source="x").tolist() == [-1.0, 0.0, 1.0]
    with pytest.raises(DataError, match=r"x: a rating of 7 is outside \[-1, 1\]"):
        Scale().to_ours(np.array([0.0, 7.0]), source="x")


def test_static_measures_have_their_closed_forms() -> None:
    truth = np.array([[0.5, 0.5], [-0.5, 0.5], [-0.5, -0.5], [0.5, -0.5]])
    perfect = evaluate_static(
        StaticRatings(tuple("abcd"), truth, truth, quadrants_of(truth), quadrants_of(truth))
    )
    assert perfect["valence"] == pytest.approx({"r2": 1.0, "rmse": 0.0, "r": 1.0, "ccc": 1.0})
    assert (perfect["quadrants"]["accuracy"], perfect["quadrants"]["f1_macro"]) == (1.0, 1.0)
    mean = np.zeros((4, 2))
    flat = evaluate_static(StaticRatings(tuple("abcd"), truth, mean, quadrants_of(truth), quadrants_of(mean)))
    assert flat["arousal"] == {"r2": 0.0, "rmse": 0.5, "r": None, "ccc": 0.0}
    assert flat["quadrants"]["accuracy"] == 0.25
    assert flat["quadrants"]["f1"]["Q1"] == pytest.approx(0.4)
    assert flat["quadrants"]["confusion"]["Q3"] == [1, 0, 0, 0]


def test_quadrant_f_is_over_the_quadrants_that_there_are() -> None:
    assert measure_quadrants(("Q1", "Q1"), ("Q1", "Q1"))["f1_macro"] == 1.0


def test_antonyms_have_their_confusion_by_row_and_leave_out_the_undecided() -> None:
    truth = np.array([0.7, 0.9, 0.2, 0.1, 0.5])
    predicted = np.array([0.6, 0.4, 0.1, 0.5, 0.9])
    found = evaluate_pair(PairShares("joy", "sad", tuple("abcde"), truth, predicted))
    assert found["undecided"] == 1
    assert found["accuracy"] == pytest.approx(0.75)
    assert found["confusion"] == {"joy": {"joy": 0.5, "sad": 0.5}, "sad": {"joy": 0.0, "sad": 1.0}}
    assert found["counts"]["sad"] == {"joy": 0, "sad": 2}
    assert found["accuracy_balanced"] == pytest.approx(0.75)


def test_antonyms_of_raters_who_never_agree_have_no_accuracy() -> None:
    half = np.full(3, 0.5)
    found = evaluate_pair(PairShares("joy", "sad", tuple("abc"), half, half))
    assert found["accuracy"] is None
    assert found["cross_entropy"] == pytest.approx(np.log(2.0))


def test_a_share_outside_its_range_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("song,pair,share\n1,joy-sad,1.2\n", encoding="utf-8")
    with pytest.raises(DataError, match=r"song 1, pair joy-sad: share 1\.2 is outside"):
        shares_of(read_table(path, columns=("song", "pair", "share")), source="a.csv")
