"""Arguments of `moodscribe diff`."""

from __future__ import annotations

import argparse

from pipelines.number_arguments import whole
from pipelines.option_hints import HintingParser

_ABOUT = """\
Show how the catalogue under OUT has changed from one run to another: tracks that are new, gone or failed, tag
rates and flipped decisions, shifts of valence and arousal. What is compared are the states as of both runs:
the current rows of each track after that run and all before it.

RUN_A and RUN_B are ids of runs, beginnings of such ids, or latest, previous or first: the last run of that
command, which may have published several.
"""

_EXAMPLES = """\
examples:
  moodscribe diff moods
  moodscribe diff moods 20261121 latest --json drift.json
  moodscribe diff gs://bucket/moods previous latest --fail-on flips=0.02 --fail-on failed=0.01

exit status:
  0  done, and all rules hold     1  a rule of --fail-on is broken     2  usage, or a state that is gone
"""

_RULES = """\
exit with status 1 if a value is above its limit; may be given again. flips=0.02: share of tag decisions that
flipped; flips:happy=0.05: of one tag; rate=0.05: largest change of a tag's rate; rate:happy=0.05: of one
tag's; failed=0.01: share of tracks that newly failed; gone=0.1: share of tracks that are gone; valence=0.05,
arousal=0.05: mean shift, up or down; quadrant=0.1: share of tracks in another quadrant
"""

_RAW = argparse.RawDescriptionHelpFormatter


def add_diff(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """`moodscribe diff`."""
    diff = commands.add_parser(
        "diff",
        help="show what has changed from one run to another",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=_RAW,
    )
    diff.add_argument("output", metavar="OUT", help="the --output of the runs")
    diff.add_argument("run_a", metavar="RUN_A", nargs="?", default="previous", help="default: %(default)s")
    diff.add_argument("run_b", metavar="RUN_B", nargs="?", default="latest", help="default: %(default)s")
    diff.add_argument("--fail-on", type=_rule, action="append", default=[], metavar="RULE", help=_RULES)
    diff.add_argument("--json", metavar="FILE", help="write all of it to a file, too")
    diff.add_argument(
        "--memory-mb",
        type=whole(256),
        help="memory of the comparison; what does not fit goes to disk, under $TMPDIR (default: a quarter of "
        "the machine's)",
    )
    diff.set_defaults(run=_run)


def _rule(text: str) -> object:
    from pipelines.output.drift.rules import parse_rule

    try:
        return parse_rule(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None


def _run(arguments: argparse.Namespace, _: list[str]) -> int:
    from pipelines.output.drift.command import run_diff

    return run_diff(arguments)
