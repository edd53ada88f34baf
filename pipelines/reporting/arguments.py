"""Arguments of `moodscribe report`."""

from __future__ import annotations

import argparse

from pipelines.number_arguments import whole
from pipelines.option_hints import HintingParser

_ABOUT = """\
Write one page about a run and the catalogue under OUT after it: its account, failures by kind, seconds by
stage, tag rates and grades, the valence/arousal plane, curves of chosen tracks, what has changed since the
command before. The page is one file that loads nothing from anywhere: mail it, or lay it into a bucket.

Of up to 10,000 tracks the plane shows each; of more, how many lie where, and the outermost ones by name.
"""

_EXAMPLES = """\
examples:
  moodscribe report moods
  moodscribe report gs://bucket/moods --output gs://bucket/reports/today.html
  moodscribe report moods --run 20261121 --track 0001 --track "Blue Hour"
  moodscribe report moods --against first

RUN is the id of a run, the beginning of one, or latest, previous or first: the last run of that command.
Where a command has published several runs, the account is of all of them up to RUN.

exit status:
  0  done     2  usage, no such run or track     4  the page could not be written, or memory ran out
"""


def add_report(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """`moodscribe report`."""
    report = commands.add_parser(
        "report",
        help="write a page about a run and its catalogue",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    report.add_argument("output", metavar="OUT", help="the --output of the runs")
    report.add_argument(
        "--run", dest="run_name", default="latest", metavar="RUN", help="default: %(default)s"
    )
    report.add_argument(
        "--against", metavar="RUN", help="compare with this run (default: that of the command before)"
    )
    report.add_argument(
        "--track",
        action="append",
        default=[],
        metavar="ID",
        help="show the curves of this track: its id, URI or title, or a part that it alone has; may be given "
        "again (default: the outermost tracks of the plane and those that change most)",
    )
    report.add_argument(
        "--output",
        dest="page",
        default="report.html",
        metavar="FILE",
        help="a file, or an object of gs:// or s3:// (default: %(default)s)",
    )
    report.add_argument(
        "--memory-mb", type=whole(256), help="memory of the queries (default: a quarter of the machine's)"
    )
    report.set_defaults(run=_run)


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.reporting.command import run_report

    return run_report(arguments)
