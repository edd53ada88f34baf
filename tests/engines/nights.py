"""Three nights of a schedule on one machine: `tag` on Flink over a bucket that changes, `diff` as the gate.

    python -m tests.engines.nights [--folder FOLDER]

first night    a catalogue that nobody has tagged
second night   new tracks, changed ones, one written again with the same bytes
third night    new tracks and removed ones, while the store does not give the audio: the gate refuses, and
               what search reads stays as it was; then the store is well, and the gate lets the next run pass

After each that passes, the compacted tables have the rows that one run over the catalogue of that night has.
Ends with 1 and says why where anything is not as it must be. Needs `make flink`.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import soundfile

from pipelines.cli import main as moodscribe
from pipelines.output.committed import read_committed
from pipelines.tables import committed_runs, open_tables
from tests.bundles import write_small_bundle
from tests.engines.flink import Flink, flink, why_not
from tests.outputs import rows_of
from tests.storage.emulator import Store, google_store, led_to
from tests.storage.fault_plan import Plan

RATE_HZ = 16_000
AUDIO, OUTPUT, BUNDLE = "gs://music/audio", "gs://music/moods", "gs://music/bundles/small"
GATE = ("--fail-on", "failed=0.1", "--fail-on", "gone=0.3", "--fail-on", "flips=0.9")
# What says which run wrote a row, and why: one run over the whole catalogue has other ones.
_OF_THE_RUN = ["reason", "bundle"]


class WrongError(Exception):
    """Something is not as it must be."""


@dataclass(frozen=True, slots=True)
class Place:
    """A bucket, a cluster, a folder for logs."""

    store: Store
    cluster: Flink
    folder: Path

    def put(self, name: str, seed: int) -> None:
        """A track of four seconds under a name; the same seed gives the same bytes."""
        noise = 0.2 * np.random.default_rng(seed).standard_normal(RATE_HZ * 4)
        noise[-1] = 0  # an object that ends like a line loses its last byte on the emulator
        soundfile.write(self.folder / "noise.wav", noise.astype(np.float32), RATE_HZ)
        self.store.files.pipe_file(f"music/audio/{name}.wav", (self.folder / "noise.wav").read_bytes())

    def remove(self, name: str) -> None:
        """Take a track out of the bucket."""
        self.store.files.rm_file(f"music/audio/{name}.wav")


def play(place: Place) -> None:
    """All three nights; WrongError for what is not as it must be."""
    _say("first night: 12 tracks")
    for number in range(12):
        place.put(f"{number:02d}", seed=number)
    _tag(place, expected={"tagged": 12, "new": 12})
    _publish(place)

    _say("second night: 3 new, 2 changed, 1 written again")
    for number in (12, 13, 14, 3, 4):
        place.put(f"{number:02d}", seed=100 + number)
    place.put("05", seed=5)
    _tag(place, expected={"new": 3, "changed": 2, "touched": 1, "unchanged": 9})
    _gate(passes=True)
    _publish(place)

    _say("third night: 3 new, 2 removed; the store does not give the audio")
    for number in (15, 16, 17):
        place.put(f"{number:02d}", seed=100 + number)
    place.remove("00")
    place.remove("03")
    search = _compacted()
    place.store.plan(Plan(always=r"audio%2F.*alt=media"))
    _tag(place, expected={"failed": 3, "gone": 2, "unchanged": 13}, status=1)
    _gate(passes=False)
    _check("what search reads is that of the second night", _compacted() == search)

    _say("third night, once more: the store is well again")
    place.store.plan(Plan())
    _tag(place, expected={"failed_before": 3, "tagged": 3, "unchanged": 13})
    _gate(passes=True)
    _publish(place)


def _tag(place: Place, *, expected: dict[str, int], status: int = 0) -> None:
    """Run the nightly job on Flink; its record must say what is expected."""
    arguments = ["tag", AUDIO, "--bundle", BUNDLE, "--output", OUTPUT, "--max-gone-rate", "0.3"]
    command = [sys.executable, "-m", "pipelines.cli", *place.cluster.command(arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    print(done.stdout, end="", flush=True)
    if done.returncode != status:
        raise WrongError(f"tag ended with {done.returncode}, not {status}: {done.stderr}")
    record = committed_runs(OUTPUT)[-1]
    found = {**record["counts"], **record["reasons"]}
    for row in open_tables(OUTPUT).read("failures").to_dict(orient="records"):
        print(f"   failed: {row['uri']} {row['kind']} {row['message']}")
    for name, count in expected.items():
        _check(f"{count} {name}", found.get(name) == count)


def _gate(*, passes: bool) -> None:
    status = moodscribe(["diff", OUTPUT, "previous", "latest", *GATE])
    _check("the gate lets it pass" if passes else "the gate refuses", status == (0 if passes else 1))


def _publish(place: Place) -> None:
    """Compact, and compare with one run over the whole bucket by the local runner."""
    _check("compact", moodscribe(["compact", OUTPUT]) == 0)
    whole = place.folder / "whole"
    shutil.rmtree(whole, ignore_errors=True)
    _check("one run over all", moodscribe(["tag", AUDIO, "--bundle", BUNDLE, "--output", str(whole)]) == 0)
    expected = rows_of(whole)
    for name, found in rows_of(OUTPUT).items():
        here, there = (one.drop(columns=_OF_THE_RUN, errors="ignore") for one in (found, expected[name]))
        try:
            pd.testing.assert_frame_equal(here, there, check_exact=True, obj=name)
        except AssertionError as error:
            raise WrongError(f"{name}: {error}") from error
        _check(f"{len(found)} rows of {name} are those of one run over all", True)


def _compacted() -> Any:
    """The record of the compaction that search reads."""
    return read_committed(OUTPUT).current


def _say(line: str) -> None:
    print(f"\n== {line}", flush=True)


def _check(what: str, holds: bool) -> None:
    if not holds:
        raise WrongError(f"not so: {what}")
    print(f"   {what}", flush=True)


def main() -> int:
    """Play the nights; the exit status."""
    parser = argparse.ArgumentParser(prog="nights", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, help="where logs are kept (default: a temporary one)")
    folder = parser.parse_args().folder
    if reason := why_not():
        print(f"nights: {reason}", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        place = (folder or Path(temporary)).absolute()
        (place / "cache").mkdir(parents=True, exist_ok=True)
        with (
            google_store(cache=str(place / "cache"), faults=True) as store,
            led_to(store),
            flink(place / "flink", store.environment) as cluster,
        ):
            bundle = write_small_bundle(place / "bundle").folder
            for file in bundle.iterdir():
                store.files.pipe_file(f"music/bundles/small/{file.name}", file.read_bytes())
            try:
                play(Place(store, cluster, place))
            except WrongError as error:
                print(f"nights: {error}", file=sys.stderr)
                return 1
    print("\nthree nights, and the tables are right")
    return 0


if __name__ == "__main__":
    sys.exit(main())
