"""`python -m tests.fuzz`: thousands of broken files through reading and the job; `--replay` for one."""

from __future__ import annotations

import argparse
import os
import sys
from collections import Counter
from pathlib import Path

# Before TensorFlow starts.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from models.bundle_source import open_bundle
from tests.fuzz.fuzzer import Plan, Report, fuzz, replay
from tests.fuzz.seeds import Seed, composed_seeds, real_seeds
from tests.real import real_clips
from transforms.decoding.sandbox import DecodeLimits

_DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
_REAL_CLIPS = 3
_SEED_RATE_HZ = 44_100


def main() -> int:
    """Fuzz or replay; the exit status is 1 where anything was found."""
    arguments = _arguments()
    limits = DecodeLimits(timeout_s=arguments.timeout_s, max_duration_s=3600.0)
    bundle = open_bundle("default")
    if arguments.replay:
        result = replay(arguments.replay, bundle, limits)
        print(f"{result.outcome} after {result.seconds:.2f} s: {result.message or 'read to its end'}")
        print("\n".join(result.problems))
        return bool(result.problems)
    seeds = _seeds()
    numbers = range(arguments.first, arguments.first + arguments.cases)
    print(f"{len(seeds)} seed files, {arguments.cases:,} cases of seed {arguments.seed}", file=sys.stderr)
    plan = Plan(seeds, arguments.seed, numbers, limits)
    report = fuzz(plan, bundle, arguments.keep, progress=lambda line: print(line, file=sys.stderr))
    _show(report)
    return bool(report.found)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--cases", type=int, default=5000, help="how many (default: %(default)s)")
    parser.add_argument("--seed", type=int, default=1, help="of all that is random (default: %(default)s)")
    parser.add_argument("--first", type=int, default=0, metavar="N", help="number of the first case")
    parser.add_argument("--timeout-s", type=float, default=20.0, help="the decoder's (default: %(default)s)")
    parser.add_argument(
        "--keep", type=Path, default=Path("work/fuzz"), help="folder for what is found (default: %(default)s)"
    )
    parser.add_argument(
        "--replay", type=Path, metavar="FILE", help="read this one file and say what came of it"
    )
    return parser.parse_args()


def _seeds() -> list[Seed]:
    seeds = composed_seeds()
    if _DATA.is_dir():
        seeds += real_seeds(real_clips(_DATA, _REAL_CLIPS, rate_hz=_SEED_RATE_HZ), _DATA / "odd-audio")
    return seeds


def _show(report: Report) -> None:
    """Tables of outcomes by format and by mutation, and what was found with how to see it again."""
    for title, counts in (("format", report.outcomes), ("mutation", report.mutations)):
        _table(title, counts)
    for path, problem in report.found:
        print(f"FOUND {problem}")
        if path is not None and path.is_dir():
            print(f"  .venv/bin/moodscribe tag {path} --output /tmp/moods")
        elif path is not None:
            print(f"  .venv/bin/python -m tests.fuzz --replay {path}")


def _table(title: str, counts: Counter[tuple[str, str]]) -> None:
    totals = Counter[str]()
    for (_, outcome), count in counts.items():
        totals[outcome] += count
    outcomes = [outcome for outcome, _ in totals.most_common()]
    print(f"{title:28}" + "".join(f"{outcome:>17}" for outcome in outcomes))
    for name in sorted({name for name, _ in counts}):
        print(f"{name:28}" + "".join(f"{counts[name, outcome] or '.':>17}" for outcome in outcomes))
    print(f"{'all':28}" + "".join(f"{totals[outcome]:>17}" for outcome in outcomes), end="\n\n")


if __name__ == "__main__":
    sys.exit(main())
