"""The command line: `moodscribe COMMAND ...`, its help, its exit status."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from importlib.metadata import version

from pipelines.option_hints import HintingParser
from schemas.errors import DataError

EXIT_DONE, EXIT_TOO_MANY_FAILURES, EXIT_USAGE, EXIT_ACCOUNT, EXIT_INTERRUPTED = 0, 1, 2, 3, 130

_ABOUT = """\
Mood tags and emotion curves for music catalogues: audio in, Parquet tables out.

  moodscribe tag music/ --output moods          tag a folder
  moodscribe export moods mood_tags moods.csv   one table as one file
  moodscribe demo                               compose 28 pieces, tag them, show what was found
"""

_TAG = """\
Tag every track of INPUT and write the tables of one run under OUT.

INPUT is a file, a folder (with all folders in it), a glob, gs://bucket/folder, a gs:// glob, or a manifest:
a .csv, .jsonl or .parquet file with the columns track_id and uri, and any others, which are carried into the
tracks table. Without a manifest, a track's id is its whole URI.

OUT gets a folder for each run, run_id=.../ with tracks, mood_tags, emotion_curves and failures as Parquet.
The run's run.json is written last: a run without it was not finished, and readers do not see it.
"""

_TAG_EXAMPLES = """\
examples:
  moodscribe tag song.mp3 --output moods
  moodscribe tag music/ --output moods --workers 4
  moodscribe tag 'music/**/*.flac' --output moods --coverage centre
  moodscribe tag catalogue.csv --output gs://bucket/moods --bundle gs://bucket/bundles/ours
  moodscribe tag gs://bucket/audio --output gs://bucket/moods --runner DataflowRunner \\
      --project P --region europe-west1 --temp_location gs://bucket/tmp

Any other option is Beam's, such as --runner or --direct_num_workers.

exit status:
  0  every input is accounted for      2  usage: nothing was run
  1  more failures than allowed        3  the account does not add up: nothing was published
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; the exit status."""
    parser = _parser()
    known, further = parser.parse_known_args(arguments)
    if further and known.command != "tag":
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


def _parser() -> argparse.ArgumentParser:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="moodscribe", description=_ABOUT, formatter_class=raw)
    parser.add_argument("--version", action="version", version=f"moodscribe {version('moodscribe')}")
    commands = parser.add_subparsers(
        dest="command", required=True, metavar="COMMAND", parser_class=HintingParser
    )
    tag = commands.add_parser(
        "tag",
        help="tag tracks: the main job",
        description=_TAG,
        epilog=_TAG_EXAMPLES,
        formatter_class=raw,
        allow_abbrev=False,
    )
    _add_tag_arguments(tag)
    _add_export(commands)
    demo = commands.add_parser("demo", help="compose a small catalogue, tag it and show what was found")
    demo.add_argument("--folder", default="demo", help="where to put it (default: %(default)s)")
    demo.set_defaults(run=_run_demo)
    return parser


def _add_tag_arguments(tag: argparse.ArgumentParser) -> None:
    tag.add_argument("input", metavar="INPUT", help="file, folder, glob, gs:// or manifest")
    tag.add_argument("--output", metavar="OUT", required=True, help="folder or gs:// prefix for the tables")
    tag.add_argument(
        "--bundle", default="default", help="models: a shipped name, a folder or gs:// (default: %(default)s)"
    )
    tag.add_argument(
        "--coverage",
        choices=("whole", "centre"),
        default="whole",
        help="tag the whole track, or the 20 s in its middle as published (default: %(default)s)",
    )
    tag.add_argument(
        "--stride-s",
        type=_number(0.1, 20.0),
        default=20.0,
        help="seconds from one 20 s chunk to the next (default: %(default)s, no overlap)",
    )
    tag.add_argument(
        "--workers", type=_whole(1), help="processes on this machine (default: one a core, one for few files)"
    )
    tag.add_argument(
        "--rows-per-file", type=_whole(1), default=500_000, help="most rows of a file (default: %(default)s)"
    )
    tag.add_argument("--batch-size", type=_whole(1), default=16, help="chunks a batch (default: %(default)s)")
    tag.add_argument(
        "--max-file-mb",
        type=_number(0.001, 1 << 20),
        default=1024,
        help="largest file (default: %(default)s)",
    )
    tag.add_argument(
        "--max-duration-s", type=_number(3, 1e6), default=21_600, help="longest track (default: %(default)s)"
    )
    tag.add_argument(
        "--decode-timeout-s",
        type=_number(0.1, 1e5),
        default=120,
        help="a track's decoder (default: %(default)s)",
    )
    tag.add_argument(
        "--decode-memory-mb", type=_whole(512), default=2048, help="a decoder's memory (default: %(default)s)"
    )
    tag.add_argument(
        "--max-failure-rate",
        type=_number(0, 1),
        default=0.5,
        help="share of failed tracks above which the exit status is 1 (default: %(default)s)",
    )
    tag.set_defaults(run=_run_tag)


def tag_options() -> list[str]:
    """Names of the options of `moodscribe tag`."""
    parser = argparse.ArgumentParser()
    _add_tag_arguments(parser)
    return list(parser._option_string_actions)


def _add_export(commands: argparse._SubParsersAction[HintingParser]) -> None:
    export = commands.add_parser(
        "export",
        help="write one table's current rows to one file",
        description="Write the current rows of a table (of all committed runs, the latest for each track) "
        "to one file.",
        epilog="example:\n  moodscribe export moods emotion_curves curves.parquet",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    export.add_argument("output", metavar="OUT", help="the --output of the runs")
    export.add_argument("table", metavar="TABLE", help="tracks, mood_tags, emotion_curves, failures or runs")
    export.add_argument("file", metavar="FILE", help="a .parquet, .csv or .jsonl file")
    export.set_defaults(run=_run_export)


def _number(low: float, high: float) -> Callable[[str], float]:
    def number(text: str) -> float:
        value = float(text)
        if not low <= value <= high:
            raise argparse.ArgumentTypeError(f"{text} is not from {low:g} to {high:g}")
        return value

    return number


def _whole(low: int) -> Callable[[str], int]:
    def whole_number(text: str) -> int:
        value = int(text)
        if value < low:
            raise argparse.ArgumentTypeError(f"{text} is below {low}")
        return value

    return whole_number


# Commands are imported when they run: Beam, TensorFlow and DuckDB take seconds that --help has no use for.


def _run_tag(arguments: argparse.Namespace, beam_arguments: list[str]) -> int:
    # Before numpy starts, here and in the workers: one process a core, one thread a process.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from pipelines.tag_command import run_tag

    return run_tag(arguments, beam_arguments)


def _run_export(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.export import export

    rows = export(arguments.output, arguments.table, arguments.file)
    print(f"{rows:,} rows of {arguments.table} in {arguments.file}")
    return EXIT_DONE


def _run_demo(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.demo.command import run_demo

    return run_demo(arguments.folder)


if __name__ == "__main__":
    sys.exit(main())
