"""`moodscribe diff`: what has changed between two runs is what a plain model says, and rules gate on it."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.cli import main
from pipelines.output.committed import read_committed
from pipelines.output.drift.named_runs import find_run
from tests.output.histories import TAGS, Past, Row, State, random_history, run_id, score, state_of, write_run


def diff(output: Path, *arguments: object) -> int:
    return main(["diff", str(output), *map(str, arguments)])


def measured(output: Path, *arguments: object) -> dict[str, Any]:
    file = output.parent / "drift.json"
    assert diff(output, *arguments, "--json", file) == 0
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def expected_tracks(a: State, b: State) -> dict[str, int]:
    failed_a, failed_b = (
        {one for one, row in state.tracks.items() if row[2] == "failed"} for state in (a, b)
    )
    results_a, results_b = dict(a.results), dict(b.results)
    return {
        "count_a": len(a.tracks),
        "count_b": len(b.tracks),
        "with_results_a": len(results_a),
        "with_results_b": len(results_b),
        "failed_a": len(failed_a),
        "failed_b": len(failed_b),
        "new": len(b.tracks.keys() - a.tracks.keys()),
        "gone": len(a.tracks.keys() - b.tracks.keys()),
        "newly_failed": len(failed_b - failed_a),
        "no_longer_failed": len((failed_a & b.tracks.keys()) - failed_b),
        "changed": sum(results_a[one] != results_b[one] for one in results_a.keys() & results_b.keys()),
    }


def expected_tag(tag: str, a: State, b: State) -> dict[str, Any]:
    scores_a, scores_b = ({one: score(one, run, tag) for one, run in state.results} for state in (a, b))
    both = [(scores_a[one], scores_b[one]) for one in scores_a.keys() & scores_b.keys()]
    rates = [
        np.mean([value > 0.5 for value in some.values()]) if some else None for some in (scores_a, scores_b)
    ]
    return {
        "tag": tag,
        "rate_a": rates[0],
        "rate_b": rates[1],
        "compared": len(both),
        "gained": sum(after > 0.5 >= before for before, after in both),
        "lost": sum(before > 0.5 >= after for before, after in both),
        "score_shift": np.mean([after - before for before, after in both]) if both else None,
    }


def expected_axis(axis: str, a: State, b: State) -> dict[str, float]:
    before, after = ({one: 2 * score(one, run, axis) - 1 for one, run in state.results} for state in (a, b))
    shifts = np.array([after[one] - before[one] for one in before.keys() & after.keys()])
    absolute = np.abs(shifts)
    return {
        "mean": shifts.mean(),
        "mean_absolute": absolute.mean(),
        "percentile_95_absolute": np.quantile(absolute, 0.95),
    }


@pytest.mark.parametrize("seed", range(4))
def test_the_drift_of_a_history_is_what_the_model_says(tmp_path: Path, seed: int) -> None:
    random_ = random.Random(seed)
    history = [*random_history(2 * seed), Past(run_id(90), (Row("a"), Row("b", audio="x")))]
    for past in history:
        write_run(tmp_path / "moods", past)
    if seed % 2:
        assert main(["compact", str(tmp_path / "moods"), "--memory-mb", "256"]) == 0
    first, second = (random_.choice(history).run_id for _ in "ab")
    found = measured(tmp_path / "moods", first, second)
    a, b = (state_of([past for past in history if past.run_id <= one]) for one in (first, second))
    assert found["tracks"] == expected_tracks(a, b)
    assert [tag["tag"] for tag in found["tags"]] == (list(TAGS) if a.results or b.results else [])
    for tag in found["tags"]:
        assert tag == pytest.approx(expected_tag(tag["tag"], a, b), abs=1e-6)
    if dict(a.results).keys() & dict(b.results).keys():
        for axis in ("valence", "arousal"):
            assert found["curves"][axis] == pytest.approx(expected_axis(axis, a, b), abs=1e-6)
    else:
        assert found["curves"] is None
    kinds = [{kind for _, _, kind, _ in state.failures} for state in (a, b)]
    assert found["failures"].keys() == kinds[0] | kinds[1]
    for kind, counts in found["failures"].items():
        each = [sum(n for row, n in state.failures.items() if row[2] == kind) for state in (a, b)]
        assert counts == each


@pytest.fixture
def output(tmp_path: Path) -> Path:
    """Twenty tracks; then five are done again, one fails, one is gone and one is new."""
    moods = tmp_path / "moods"
    ids = [f"t{index:02d}" for index in range(20)]
    write_run(moods, Past(run_id(1), (*(Row(one) for one in ids), Row("cover", "skipped"))))
    again = [Row(one, reason="model") for one in ids[:5]]
    failed = Row("t05", "failed", reason="changed", kind="corrupt")
    write_run(moods, Past(run_id(2), (*again, failed, Row("t06", "gone", reason="gone"), Row("new"))))
    return moods


def test_the_text_is_short_and_begins_with_the_largest_drift(output: Path, capsys: Any) -> None:
    assert diff(output) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"{run_id(1)} -> {run_id(2)}"
    assert lines[1] == "tracks    20 -> 20, 1 new, 1 gone, 5 changed, 1 newly failed"
    assert lines[2] == "failures  corrupt 0 -> 1"
    assert lines[3] == "          t05: corrupt: corrupt it is"
    assert lines[4].endswith("% of 54 decisions flipped")
    changes = [float(line.split()[3].rstrip("%")) for line in lines[6:9]]
    assert [abs(change) for change in changes] == sorted(map(abs, changes), reverse=True)
    assert lines[9].startswith("curves    ")
    assert lines[10].startswith("          valence ")
    assert len(lines) == 12


def test_nothing_changed_is_said(output: Path, capsys: Any) -> None:
    assert diff(output, "latest", "latest", "--fail-on", "flips=0", "--fail-on", "valence=0") == 0
    assert capsys.readouterr().out.splitlines()[1:] == ["tracks    20 -> 20", "nothing has changed"]


@pytest.mark.parametrize(
    ("rule", "holds"),
    [
        ("gone=0.05", True),
        ("gone=0.04", False),
        ("failed=0.05", True),
        ("failed=0.04", False),
        ("flips=1", True),
        ("flips=0", False),
        ("rate=1", True),
        ("rate=0.001", False),
        ("valence=2", True),
        ("valence=0", False),
        ("arousal=0", False),
        ("quadrant=1", True),
        ("flips:happy=1", True),
        ("rate:happy=1", True),
    ],
)
def test_a_rule_is_broken_only_above_its_limit(output: Path, capsys: Any, rule: str, holds: bool) -> None:
    assert diff(output, "--fail-on", rule) == (0 if holds else 1)
    errors = capsys.readouterr().err.splitlines()
    assert [error.startswith(f"moodscribe diff: broken rule {rule}: it is 0.") for error in errors] == [
        True
    ] * (not holds)


def test_each_broken_rule_is_named(output: Path, capsys: Any) -> None:
    rules = ("gone=0.01", "flips:happy=1", "failed=0.01")
    assert diff(output, *(word for rule in rules for word in ("--fail-on", rule))) == 1
    named = [line.split()[4] for line in capsys.readouterr().err.splitlines()]
    assert named == ["gone=0.01:", "failed=0.01:"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--fail-on flip=0.1", "'flip=0.1' is no rule; there are flips=LIMIT (share of tag decisions that"),
        ("--fail-on flips", "'flips' is no rule; there are flips=LIMIT"),
        ("--fail-on gone:happy=0.1", "'gone:happy=0.1' is no rule"),
        ("--fail-on rate=much", "'rate=much': the limit 'much' is not a number from 0 to 2"),
        ("--fail-on rate=nan", "'rate=nan': the limit 'nan' is not a number from 0 to 2"),
        ("--fail-on rate:hapy=0.1", "--fail-on rate:hapy=0.1: no tag 'hapy'; there are calm, happy, sad"),
        ("2025", "no run '2025'; of 2, the newest are 20261101T000001"),
        ("2026", "'2026' begins the ids of 2 runs, such as 20261101T000002"),
    ],
)
def test_what_is_not_there_is_told_in_one_line(
    output: Path, capsys: Any, arguments: str, message: str
) -> None:
    try:
        status = diff(output, *arguments.split())
    except SystemExit as ended:
        status = int(ended.code or 0)
    assert status == 2
    assert message in capsys.readouterr().err.splitlines()[-1]


def test_runs_are_found_by_age_and_by_the_beginning_of_their_ids(output: Path) -> None:
    write_run(output, Past(run_id(3), ()))
    names = {"first": 1, "previous": 2, "latest": 3, run_id(2): 2, run_id(3)[:15]: 3}
    for name, number in names.items():
        assert measured(output, name, "latest")["run_a"] == run_id(number)


def test_runs_of_one_command_count_as_one(output: Path) -> None:
    for number in (3, 4, 5):
        write_run(output, Past(run_id(number), (), begun=run_id(3)))
    write_run(output, Past(run_id(6), ()))
    write_run(output, Past(run_id(7), (), begun=run_id(6)))
    assert main(["compact", str(output), "--memory-mb", "256", "--keep", "0"]) == 0
    found = find_runs(output)
    assert found == {"first": run_id(1), "previous": run_id(5), "latest": run_id(7)}


def find_runs(output: Path) -> dict[str, str]:
    committed = read_committed(str(output))
    return {name: find_run(committed, name) for name in ("first", "previous", "latest")}


def test_there_is_no_previous_run_of_the_first(tmp_path: Path, capsys: Any) -> None:
    write_run(tmp_path / "moods", Past(run_id(1), (Row("a"),)))
    assert diff(tmp_path / "moods") == 2
    assert f"there is no previous command's run: there is {run_id(1)}" in capsys.readouterr().err


def test_a_state_that_compact_has_dropped_is_told_and_those_since_are_there(
    output: Path, capsys: Any
) -> None:
    write_run(output, Past(run_id(3), (Row("t00", reason="model"),)))
    before = measured(output, run_id(3), run_id(3))
    assert main(["compact", str(output), "--memory-mb", "256", "--keep", "1"]) == 0
    write_run(output, Past(run_id(4), (Row("t01", reason="model"),)))
    assert diff(output, "first", "latest") == 2
    error = capsys.readouterr().err
    assert (
        f"the state as of run {run_id(1)} is gone: `compact --keep` has dropped 1 of its runs, such as "
        in error
    )
    assert f"the oldest state there is that of run {run_id(3)}" in error
    assert measured(output, run_id(3), run_id(3))["tracks"] == before["tracks"]
    assert measured(output, "previous", "latest")["tracks"]["changed"] == 1


def test_rules_on_what_the_states_do_not_share_do_not_hold(tmp_path: Path, capsys: Any) -> None:
    output = tmp_path / "moods"
    write_run(output, Past(run_id(1), (Row("a", "failed", kind="silent"),)))
    write_run(output, Past(run_id(2), (Row("b"),)))
    assert diff(output, "--fail-on", "flips=0.5", "--fail-on", "valence=0.5") == 1
    errors = capsys.readouterr().err.splitlines()
    assert [error.split(": ", 2)[2] for error in errors] == [
        "cannot be told, the two states have nothing of the kind in common"
    ] * 2


def test_runs_of_features_are_compared_by_their_tracks(tmp_path: Path) -> None:
    output = tmp_path / "features"
    write_run(output, Past(run_id(1), (Row("a", "extracted"), Row("b", "extracted")), features=True))
    write_run(output, Past(run_id(2), (Row("a", "gone", reason="gone"),), features=True))
    found = measured(output)
    assert (found["tracks"]["gone"], found["tags"], found["curves"]) == (1, [], None)
    assert found["made_by"] == ["noise@1", "noise@1"]
