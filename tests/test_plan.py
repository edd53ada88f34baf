"""`moodscribe plan`: what it says is what a run does, and what it would take adds up."""

from __future__ import annotations

import json
from collections import Counter
from importlib.resources import files
from pathlib import Path

import pytest
import soundfile

from models.bundle import Bundle
from pipelines.cli import main
from pipelines.planning.count import CARRIED, READ, Counted
from pipelines.planning.estimate import estimate
from pipelines.planning.measure import Measured
from pipelines.planning.prices import Machine, Prices, read_prices
from pipelines.planning.text import describe, describe_estimate
from pipelines.tables import committed_runs
from schemas.errors import DataError
from tests.sounds import music

PRICES = Prices(
    "2026-01-01", "USD", "here", ("home",), 0.6, (Machine("fast", 4, 2.0, 2.0), Machine("gpu", 4, 9.0, None))
)


def test_the_price_table_that_comes_along_is_read_and_dated() -> None:
    prices = read_prices()
    assert prices.date >= "2025"
    by_name = {machine.name: machine for machine in prices.machines}
    # By hand: 4 x .056 + 16 x .003557 + 25 x .000054
    assert by_name["n2-standard-4"].hour == pytest.approx(0.282262)
    assert any(machine.speed is None for machine in prices.machines), "nobody has measured a GPU here"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vcpu_hour": 0}, "0 is not a number above 0"),
        ({"flexrs_share": "half"}, "'half' is not a number"),
        ({"machines": [{"name": "x"}]}, "KeyError: 'vcpus'"),
        ({"date": ...}, "KeyError: 'date'"),
    ],
)
def test_a_price_table_that_does_not_fit_is_named(
    tmp_path: Path, change: dict[str, object], message: str
) -> None:
    fields = {**json.loads(files("pipelines.planning").joinpath("prices.json").read_text()), **change}
    file = tmp_path / "prices.json"
    file.write_text(json.dumps({name: value for name, value in fields.items() if value is not ...}))
    with pytest.raises(DataError, match=rf"{file}.*{message}"):
        read_prices(str(file))


def test_an_estimate_is_the_means_of_the_sample_times_the_tracks() -> None:
    counted = Counted(
        Counter({(READ, "new"): 900, (READ, "changed"): 100, (CARRIED, "decisions"): 50}),
        audio_s=100 * 200.0,
        known=100,
    )
    measured = Measured((1.0, 3.0), (100.0, 300.0))
    found = estimate(counted, measured, PRICES)
    assert found.tracks == 1000
    assert found.audio_hours == pytest.approx((20_000 + 900 * 200) / 3600)
    assert found.processor_hours.value == pytest.approx(2.0 * 1000 / 3600)
    assert found.processor_hours.low == pytest.approx((2.0 - 1.645) * 1000 / 3600)
    fast, gpu = found.machines
    assert fast.hours is not None
    assert fast.cost is not None
    assert fast.hours.value == pytest.approx(2000 / 3600 / 8)
    assert fast.cost.value == pytest.approx(2000 / 3600 / 8 * 2.0)
    assert gpu.hours is None
    lines = "\n".join(describe_estimate(found, measured, PRICES, processors=2))
    assert "2.00 s of a processor a track of 200 s" in lines
    assert "not measured" in lines


def test_a_plan_of_nothing_says_so() -> None:
    assert (
        list(describe(Counted(sums=Counter({"count.read": 3, "count.unchanged": 3}))))[-1] == "nothing to do"
    )


def test_a_plan_says_what_the_run_then_does_and_writes_nothing(
    tmp_path: Path, small_bundle: Bundle, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, output = tmp_path / "music", tmp_path / "moods"
    folder.mkdir()
    for index in range(3):
        soundfile.write(folder / f"{index}.wav", music(6.0, seed=index), 16_000)
    (folder / "bad.mp3").write_bytes(b"nothing to hear")
    (folder / "cover.jpg").write_bytes(b"a picture")
    arguments = [str(folder), "--output", str(output), "--bundle", str(small_bundle.folder)]
    plan = tmp_path / "plan.json"
    assert main(["plan", *arguments, "--measure", "4", "--json", str(plan)]) == 0
    assert not output.exists()
    said = capsys.readouterr().out
    assert "4   new in the input" in said
    assert "1 of the sample failed" in said
    written = json.loads(plan.read_text())
    assert written["tracks"] == [{"how": "read", "reason": "new", "tracks": 4}]
    assert written["settled"] == {"skipped": 1}
    assert written["measured"]["tracks"] == 4
    assert written["estimate"]["tracks"] == 4
    assert main(["tag", *arguments]) == 0
    (folder / "0.wav").unlink()
    soundfile.write(folder / "1.wav", music(7.0, seed=9), 16_000)
    capsys.readouterr()
    assert main(["plan", *arguments, "--measure", "0", "--json", str(plan)]) == 0
    said = capsys.readouterr().out
    assert "1   the file is another than before" in said
    assert "1 gone from the input" in said
    assert main(["tag", *arguments]) == 0
    counts = committed_runs(str(output))[-1]["counts"]
    assert (counts["tagged"], counts["unchanged"], counts["gone"]) == (1, 3, 1)
    again = json.loads(plan.read_text())
    assert again["counts"]["count.unchanged"] == counts["unchanged"]
    assert again["settled"]["gone"] == counts["gone"]
