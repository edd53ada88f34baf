"""The command that reproduces the figures of models/RESULTS.md: python -m pipelines.reproduce --help."""

from __future__ import annotations

import argparse
import logging
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from models.tensorflow_start import start_tensorflow
from pipelines.reproduce import heads
from pipelines.reproduce.results import PAGE, write_results
from pipelines.reproduce.stages import Reproduction, kept_results, run_stages
from pipelines.reproduce.trials import antonyms, bundles, curves, static, taggers
from schemas.errors import DataError

# In the order of running and of the page.
STAGES: tuple[Reproduction, ...] = (
    heads.STAGE,
    taggers.STAGE,
    antonyms.STAGE,
    curves.STAGE,
    static.STAGE,
    bundles.STAGE,
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the stages that have no results yet, and write results.json and the page; the exit status."""
    options = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    start_tensorflow(threads=1)
    options.work.mkdir(parents=True, exist_ok=True)
    try:
        chosen = [stage for stage in STAGES if not options.stage or stage.name in options.stage]
        run_stages(chosen, options.data, options.work, processes=options.processes)
        # All that there is, so that one stage run alone does not take the others off the page.
        found = kept_results(STAGES, options.data, options.work)
    except DataError as error:
        print(f"reproduce: {error.message}", file=sys.stderr)
        return 2
    write_results(found, STAGES, work=options.work, page=options.page)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m pipelines.reproduce",
        description="Reproduce the papers' figures as far as the data at hand allow; resumed.",
    )
    parser.add_argument("--data", type=Path, required=True, help="folder of the research sets")
    parser.add_argument("--work", type=Path, required=True, help="folder for what the stages keep; resumed")
    parser.add_argument("--page", type=Path, default=PAGE, help="the results page (default: %(default)s)")
    names = [stage.name for stage in STAGES]
    parser.add_argument(
        "--stage", nargs="+", choices=names, help="these stages only (default: all, in order)"
    )
    parser.add_argument(
        "--processes", type=int, default=os.cpu_count() or 1, help="trainings at once (default: one a core)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
