"""The command that trains the default bundle: python -m pipelines.training.default --help."""

from __future__ import annotations

import argparse
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from pipelines.training.calibrate import calibrate
from pipelines.training.card import card, check
from pipelines.training.clips import read_clips
from pipelines.training.encoded import encode_clips
from pipelines.training.encoders import train_encoders
from pipelines.training.heads import fit_heads
from pipelines.training.prepare import prepare
from pipelines.training.teacher import teach
from pipelines.training.write import write

log = logging.getLogger(__name__)

ABOUT = {
    "prepare": "what the encoder is given of every clip, and what YAMNet hears in it",
    "teacher": "tag heads on MTG-Jamendo's labels",
    "encoders": "one for each fold and the one that is shipped",
    "rows": "every clip through every encoder",
    "heads": "valence and arousal",
    "calibrate": "calibration, thresholds, grades and figures, on clips unheard",
    "write": "the bundle",
    "checks": "robustness, steadiness of curves, speed, on clips unheard",
    "card": "card.md and its pictures",
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run some stages or all; each keeps what it made in the work folder and goes on from there."""
    options = _parse(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    options.work.mkdir(parents=True, exist_ok=True)
    stages = _stages(options)
    for stage in options.stage or ABOUT:
        begin = time.monotonic()
        stages[stage]()
        log.info("stage %s: %.0f s", stage, time.monotonic() - begin)


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description="Train the default bundle from the research sets.",
        epilog="stages, in order:\n" + "\n".join(f"  {name:<10} {about}" for name, about in ABOUT.items()),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="folder with weights/, jamendo/ and one or more of moods4q/, emotify/, own/",
    )
    parser.add_argument("--work", type=Path, required=True, help="folder for what the stages keep; resumed")
    parser.add_argument("--output", type=Path, required=True, help="folder of the bundle")
    parser.add_argument(
        "--stage", choices=ABOUT, nargs="+", help="these stages only (default: all, in order)"
    )
    return parser.parse_args(arguments)


def _stages(options: argparse.Namespace) -> Mapping[str, Callable[[], object]]:
    clips, work, output = read_clips(options.data), options.work, options.output
    yamnet = options.data / "weights" / "yamnet_dynrange.tflite"
    return {
        "prepare": lambda: prepare(clips, work, model=yamnet),
        "teacher": lambda: teach(options.data, work),
        "encoders": lambda: train_encoders(clips, work, model=yamnet),
        "rows": lambda: encode_clips(clips, work),
        "heads": lambda: fit_heads(clips, work),
        "calibrate": lambda: calibrate(clips, work),
        "write": lambda: write(work, output),
        "checks": lambda: check(clips, work),
        "card": lambda: card(work, output, stages=tuple(ABOUT)),
    }


if __name__ == "__main__":
    main()
