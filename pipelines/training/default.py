"""The command that trains the default bundle: python -m pipelines.training.default --help."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from models.tensorflow_start import use_threads
from models.training.members import REGRESSORS, TAGGERS
from pipelines.training import prepare, students, teacher
from pipelines.training.calibrate import calibrate
from pipelines.training.clips import read_clips
from pipelines.training.write import write

log = logging.getLogger(__name__)

STAGES = ("prepare", "teacher", "members", "regressors", "calibrate", "write")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one stage or all; each keeps what it made in the work folder and goes on from there."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.work.mkdir(parents=True, exist_ok=True)
    if options.threads:
        use_threads(options.threads)
    stages = _stages(options)
    for stage in [options.stage] if options.stage else STAGES:
        begin = time.monotonic()
        stages[stage]()
        log.info("stage %s: %.0f s", stage, time.monotonic() - begin)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the default bundle from the research sets.")
    parser.add_argument(
        "--data", type=Path, required=True, help="folder with moods4q/, emotify/, jamendo/, weights/"
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what the stages keep; resumed")
    parser.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    parser.add_argument("--stage", choices=STAGES, help="one stage only (default: all, in order)")
    parser.add_argument("--members", nargs="*", help="names of the members to train (default: all)")
    parser.add_argument(
        "--effort", type=float, default=1.0, help="times the epochs of the recipe (default 1)"
    )
    parser.add_argument("--threads", type=int, default=1, help="TensorFlow's threads, 0 for all (default 1)")
    return parser.parse_args(arguments)


def _stages(options: argparse.Namespace) -> dict[str, Callable[[], None]]:
    clips, work = read_clips(options.data), options.work
    taggers, regressors = (
        [plan.scaled(options.effort) for plan in plans if not options.members or plan.name in options.members]
        for plans in (TAGGERS, REGRESSORS)
    )
    return {
        "prepare": lambda: prepare.prepare(clips, work),
        "teacher": lambda: teacher.teach(clips, options.data, work),
        "members": lambda: students.train_taggers(taggers, clips, work),
        "regressors": lambda: students.train_regressors(regressors, clips, work),
        "calibrate": lambda: calibrate(clips, work),
        "write": lambda: log.info("%s", write(work, options.output).key),
    }


if __name__ == "__main__":
    main()
