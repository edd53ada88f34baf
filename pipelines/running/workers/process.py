"""A worker process of a local run: Beam's own, but that it ends with the process that started it.

Run as `python -m pipelines.running.workers.process PARENT`, with Beam's settings in the environment.
"""

from __future__ import annotations

import logging
import os
import sys
import traceback
from pathlib import Path
from types import TracebackType

from schemas.heavy_start import heavy_start
from transforms.parent import end_with_parent


def main() -> None:
    """Serve the runner until it has no more work."""
    end_with_parent(int(sys.argv[1]))
    _be_quiet()
    with heavy_start():
        from apache_beam.runners.worker import sdk_worker_main

    sdk_worker_main.main(sys.argv)


def _be_quiet() -> None:
    """What fails in a piece of work is told to the runner in the answer: Beam would print it as well.

    What ends the process is still printed.
    """
    logging.getLogger().addHandler(logging.NullHandler())
    sys.excepthook = _print_to_terminal
    sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 - as long as the process lives


def _print_to_terminal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    traceback.print_exception(kind, error, trace, file=sys.__stderr__)


if __name__ == "__main__":
    main()
