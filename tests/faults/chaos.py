"""`make chaos`: kills workers, decoders and launchers of real runs at random moments, and compares the rows.

One round is a run with two workers, of the main job or of features, in which one process is killed. A worker
or a decoder must cost nothing but time; after a launcher a second command must end with the rows. Afterwards
nothing that is not committed may be left, and nobody.
"""

from __future__ import annotations

import argparse
import itertools
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

# Before TensorFlow starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from pipelines.cli import EXIT_DONE
from pipelines.running.local_runner import descendants
from pipelines.tables import committed_runs
from tests.bundles import write_small_bundle
from tests.faults.commands import (
    DECODER,
    WORKER,
    Command,
    left_behind,
    outlive,
    start,
    write_noise,
)
from tests.outputs import assert_same_rows, rows_of

VICTIMS = ("worker", "decoder", "launcher")
POINTS = ("any time", "decoding", "writing", "merging")
COMMANDS = ("tag", "features mel-steps")
_TRACKS = 24


@dataclass(frozen=True, slots=True)
class Workplace:
    """What all rounds share: tracks, a bundle, and by command the rows of an undisturbed run and its time."""

    folder: Path
    undisturbed_s: dict[str, float]

    def reference(self, command: str) -> Path:
        """The output of the undisturbed run of a command."""
        return self.folder / f"undisturbed {command}"

    def start(self, command: str, output: Path) -> Command:
        """Start a run of a command."""
        bundle = ("--bundle", self.folder / "bundle") if command == "tag" else ()
        return start(command, self.folder / "music", output, "--workers", 2, "--rows-per-file", 16, *bundle)


def prepare(folder: Path) -> Workplace:
    """Write the tracks and the bundle, and run undisturbed."""
    write_small_bundle(folder / "bundle")
    write_noise(folder / "music", _TRACKS, seconds=20.0)
    place = Workplace(folder, {})
    for command in COMMANDS:
        begin = time.monotonic()
        status, printed = place.start(command, place.reference(command)).end()
        if status != EXIT_DONE:
            raise RuntimeError(f"the undisturbed run ended with {status}: {printed}")
        place.undisturbed_s[command] = time.monotonic() - begin
    return place


def run_round(place: Workplace, number: int, seed: int) -> str:
    """One run with one process killed; what happened, in words. Raises AssertionError for what must not."""
    chance = random.Random(f"{seed} {number}")
    cases = list(itertools.product(COMMANDS, POINTS, VICTIMS))
    name, point, victim = cases[number % len(cases)]
    output = place.folder / f"round{number}"
    command = place.start(name, output)
    # The machine may be quicker now than it was then.
    delay_s = chance.uniform(0.0, 0.7 * place.undisturbed_s[name])
    killed = _kill(command, victim, point, delay_s=delay_s, chance=chance)
    below = descendants(command.process.pid)
    status, printed = command.end()
    assert outlive(below, seconds=5.0) == [], "processes outlive the command"
    assert "Traceback" not in printed, printed
    again = "begins anew" in printed
    committed = bool(committed_runs(str(output)))
    if victim == "launcher" and killed:
        if committed:
            assert rows_of(output)["tracks"]["status"].value_counts().sum() == _TRACKS + 1, "half a run"
        status, printed = place.start(name, output).end()
    assert status == EXIT_DONE, printed
    assert_same_rows(output, place.reference(name))
    assert left_behind(output) == [], left_behind(output)
    after = "committed" if committed else "not committed"
    return (
        f"{name}: {point}, {victim} {'killed' if killed else 'had ended'}: {'began anew' if again else after}"
    )


def _kill(command: Command, victim: str, point: str, *, delay_s: float, chance: random.Random) -> bool:
    """Kill a process of the command at a point; False if there is none any more."""
    begin = time.monotonic()
    reached: dict[str, Callable[[], object]] = {
        "any time": lambda: time.monotonic() > begin + delay_s,
        "decoding": lambda: command.below(DECODER),
        "writing": lambda: command.staged,
        "merging": lambda: command.published,
    }
    while not reached[point]():
        if command.process.poll() is not None:
            return False
        time.sleep(0.001)
    if point != "any time":
        time.sleep(chance.uniform(0.0, 0.02))
    there = {"worker": command.below(WORKER), "decoder": command.below(DECODER)}.get(
        victim, [command.process.pid]
    )
    if command.process.poll() is not None or not there:
        return False
    command.kill(chance.choice(there))
    return True


def main() -> int:
    """Run rounds; the exit status is 1 if one of them went wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.chaos", description=__doc__)
    parser.add_argument("--rounds", type=int, default=24, help="how many (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first (default: 0)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    arguments = parser.parse_args()
    outcomes, wrong = Counter[str](), 0
    with tempfile.TemporaryDirectory(prefix="moodscribe-chaos-") as name:
        place = prepare(Path(name))
        print(f"{_TRACKS} tracks, seconds undisturbed: {place.undisturbed_s}", file=sys.stderr)
        for number in range(arguments.first, arguments.first + arguments.rounds):
            begin = time.monotonic()
            try:
                outcome = run_round(place, number, arguments.seed)
            except AssertionError as error:
                outcome, wrong = "WRONG", wrong + 1
                print(error, file=sys.stderr)
            outcomes[outcome] += 1
            print(f"round {number}: {outcome} ({time.monotonic() - begin:.1f} s)", file=sys.stderr)
    for outcome, count in sorted(outcomes.items()):
        print(f"{count:4}  {outcome}")
    print(f"{arguments.rounds} rounds of seed {arguments.seed}, {wrong} wrong")
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
