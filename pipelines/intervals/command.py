"""`moodscribe curve`: how a part of a track feels, from the tables."""

from __future__ import annotations

import argparse
import sys

from pipelines.option_hints import HintingParser

_ABOUT = """\
Show valence, arousal and their spread over a part of a track, with its summary: means, slopes, share of time
in each quadrant, colour, and the shares of opposite moods where the bundle tells them.

TRACK is a track_id, a URI, or the end of a URI from a slash on, if only one track has it. Times are seconds,
M:SS or H:MM:SS. Curves have a value for each half second; a step belongs to the interval if they have time in
common: 1:10 to 1:40 are the 60 steps from 1:10.0 to 1:39.5.
"""

_EXAMPLES = """\
examples:
  moodscribe curve 0001 --from 1:10 --to 1:40
  moodscribe curve album/song.mp3 --tables gs://bucket/moods --every 5
  moodscribe curve 0001 --from 90 --format csv > end.csv
  moodscribe curve 0001 --format json | jq .summary.valence_mean
"""


def add_curve(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """Add `curve` to the command line."""
    curve = commands.add_parser(
        "curve",
        help="show how a part of a track feels",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    curve.add_argument("track", metavar="TRACK", help="track_id, URI, or the end of a URI")
    curve.add_argument(
        "--from", dest="from_s", type=_time, metavar="TIME", default=0.0, help="default: the track's begin"
    )
    curve.add_argument("--to", dest="to_s", type=_time, metavar="TIME", help="default: the track's end")
    curve.add_argument(
        "--tables", metavar="OUT", default="moods", help="--output of the runs (default: %(default)s)"
    )
    curve.add_argument(
        "--every", type=_time, metavar="TIME", help="means over so long; a multiple of the half second"
    )
    curve.add_argument(
        "--format", choices=("text", "csv", "json"), default="text", help="default: %(default)s"
    )
    curve.set_defaults(run=_run)


def _time(text: str) -> float:
    from pipelines.intervals.times import parse_time

    try:
        return parse_time(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.cli import EXIT_DONE
    from pipelines.intervals import text
    from pipelines.tables import open_tables
    from transforms.storage import absolute

    tables = open_tables(absolute(arguments.tables))
    try:
        interval = tables.curve(arguments.track, arguments.from_s, arguments.to_s)
    finally:
        tables.connection.close()
    if arguments.every is not None:
        interval = interval.every(arguments.every)
    said = {"text": text.as_text, "csv": text.as_csv, "json": text.as_json}[arguments.format](interval)
    sys.stdout.write(said)
    return EXIT_DONE
