"""The command line: `moodscribe COMMAND ...`, its help, its exit status."""

from __future__ import annotations

import argparse
import atexit
import os
import sys
from collections.abc import Sequence
from importlib.metadata import version
from typing import NoReturn

from pipelines.evaluation.command import add_evaluate
from pipelines.indexing.arguments import add_index
from pipelines.intervals.command import add_curve
from pipelines.job_arguments import add_features, add_plan, add_tag
from pipelines.listening.command import add_listen
from pipelines.option_hints import HintingParser
from pipelines.output.compacting.arguments import add_compact
from pipelines.output.drift.arguments import add_diff
from pipelines.reporting.arguments import add_report
from pipelines.showing.arguments import add_show
from pipelines.training.command import add_train
from pipelines.weights_command import add_weights
from pipelines.writing_tags.arguments import add_write_tags
from schemas.errors import DataError
from schemas.heavy_start import heavy_start

EXIT_DONE, EXIT_TOO_MANY_FAILURES, EXIT_USAGE, EXIT_ACCOUNT, EXIT_STOPPED, EXIT_INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    130,
)

_ABOUT = """\
Mood tags and emotion curves for music catalogues: audio in, Parquet tables out.

  moodscribe tag music/ --output moods          tag a folder
  moodscribe plan music/ --output moods         what that would do, and take
  moodscribe export moods mood_tags moods.csv   one table as one file
  moodscribe index moods --to opensearch --url https://search:9200 --index tracks
  moodscribe report moods                       a page about the run and the catalogue after it
  moodscribe show song.mp3                      its tags and curves, here or as a page with a player
  moodscribe curve song.mp3 --from 1:10 --to 1:40    how a part of a track feels
  moodscribe write-tags moods                   moods into the files' own tags; what would be written
  moodscribe features mel96 music/ --output mel what a front end makes of a folder, for training
  moodscribe demo                               compose 28 pieces, tag them, show what was found
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _parser()
    known, further = parser.parse_known_args(arguments)
    if further and known.command not in ("tag", "features"):
        parser.error(f"unrecognized arguments: {' '.join(further)}")
    try:
        status: int = known.run(known, further)
    except DataError as error:
        print(f"moodscribe {known.command}: {error.message}", file=sys.stderr)
        return EXIT_USAGE
    except KeyboardInterrupt:
        print(f"moodscribe {known.command}: interrupted", file=sys.stderr)
        return EXIT_INTERRUPTED
    return status


def command_line() -> NoReturn:
    """The command of a shell: ends its process when `main` is done, without taking libraries apart one by
    one, which is a second for TensorFlow's and Beam's."""
    status = main()
    atexit._run_exitfuncs()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except OSError:  # nobody reads any more: Python says how that ends
        sys.exit(status)
    os._exit(status)


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="moodscribe", description=_ABOUT, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"moodscribe {version('moodscribe')}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=HintingParser
    )
    add_tag(commands).set_defaults(run=_run_tag)
    add_plan(commands).set_defaults(run=_run_plan)
    add_features(commands).set_defaults(run=_run_features)
    add_compact(commands)
    add_diff(commands)
    add_report(commands)
    add_show(commands)
    _add_export(commands)
    add_index(commands)
    add_curve(commands)
    add_write_tags(commands)
    add_weights(commands)
    add_listen(commands)
    add_train(commands)
    add_evaluate(commands)
    demo = commands.add_parser("demo", help="compose a small catalogue, tag it and show what was found")
    demo.add_argument("--folder", default="demo", help="where to put it (default: %(default)s)")
    demo.set_defaults(run=_run_demo)
    return parser


def _add_export(commands: argparse._SubParsersAction[HintingParser]) -> None:
    export = commands.add_parser(
        "export",
        help="write one table's current rows to one file",
        description="Write the current rows of a table (of all committed runs, the latest for each track) "
        "to one file.",
        epilog="examples:\n  moodscribe export moods emotion_curves curves.parquet\n"
        "  moodscribe export images features features.arff",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("output", metavar="OUT", help="the --output of the runs")
    export.add_argument(
        "table", metavar="TABLE", help="tracks, mood_tags, emotion_curves, features, failures, runs"
    )
    export.add_argument(
        "file", metavar="FILE", help="a .parquet, .csv or .jsonl file, for features also .arff"
    )
    export.add_argument(
        "--for-spreadsheet",
        action="store_true",
        help="in a .csv, put ' before texts that begin with = + - @ or a tab, which spreadsheets run",
    )
    export.set_defaults(run=_run_export)


# Commands are imported when they run: Beam, TensorFlow and DuckDB take seconds that --help has no use for.


def _run_tag(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    _prepare_process()
    with heavy_start():
        from pipelines.tag_command import run_tag

    return run_tag(arguments, beam_arguments)


def _run_plan(arguments: argparse.Namespace, _: list[str]) -> int:
    _prepare_process()
    with heavy_start():
        from pipelines.planning.command import run_plan

    return run_plan(arguments)


def _run_features(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    _prepare_process()
    with heavy_start():
        from pipelines.features_command import run_features

    return run_features(arguments, beam_arguments)


def _prepare_process() -> None:
    """Before numpy starts: one thread for it, here and in the workers, of which there is one a core."""
    from pipelines.running.memory import keep_few_pools

    keep_few_pools()
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")


def _run_export(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.output.export import export

    rows = export(
        arguments.output, arguments.table, arguments.file, for_spreadsheet=arguments.for_spreadsheet
    )
    print(f"{rows:,} rows of {arguments.table} in {arguments.file}")
    return EXIT_DONE


def _run_demo(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.demo.command import run_demo

    return run_demo(arguments.folder)


if __name__ == "__main__":
    command_line()
