"""Arguments of `moodscribe evaluate`: what it says of itself, and the options of each kind."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.option_hints import HintingParser

_TAGS = """\
Score arrays, fused, against the labels of an official MTG-Jamendo list: ROC-AUC, PR-AUC, precision, recall
and F, macro and micro, tag by tag, with calibration and bootstrap intervals.

FILE.npz holds one array [tracks, tags] for each member, by its name: tracks in the order of the labels, tags
alphabetically. Arrays `tracks` (numbers) and `tags` (names) in the same file say otherwise.
"""
_TAGS_EXAMPLES = """\
fusions:
  mean (default), weights, stacking (these two are learned on validation), or a published mean by its name:
  crnn, deep-spectrum-1s, deep-spectrum-5s, deep-spectrum, all-nine

examples:
  moodscribe evaluate tags --scores test.npz --labels split0_test.tsv --thresholds official
  moodscribe evaluate tags --scores test.npz --labels split0_test.tsv --fusion stacking \\
      --validation-scores val.npz --validation-labels split0_validation.tsv --page tags.html
"""
_FORMS = """\
Tables are .csv, .parquet or .npz files with columns
  curves    song, time, valence, arousal (a row a step), or as in our table emotion_curves (a row a song)
  static    song, valence, arousal and, if it is not that of the two, quadrant (Q1 to Q4)
  antonyms  song, pair (first-second), share (of the first)
"""
_ABOUT = {
    "curves": "RMSE, r and CCC of every song, averaged with deviations, and pooled over all steps.",
    "static": "R2, r, RMSE and CCC of one valence and arousal a song, and the quadrants' accuracy and F.",
    "antonyms": "Accuracy and confusion by row of antonym pairs against shares of raters.",
}


def evaluate_parsers(
    commands: argparse._SubParsersAction[HintingParser],
) -> dict[str, argparse.ArgumentParser]:
    """Add `evaluate` to the command line; the parser of each kind, still without what it runs."""
    raw = argparse.RawDescriptionHelpFormatter
    about = "Measure predictions against labels by the official protocols."
    evaluate = commands.add_parser("evaluate", help="measure predictions against labels", description=about)
    kinds = evaluate.add_subparsers(dest="kind", required=True, metavar="KIND")
    tags = kinds.add_parser(
        "tags",
        help="score arrays against MTG-Jamendo labels",
        description=_TAGS,
        epilog=_TAGS_EXAMPLES,
        formatter_class=raw,
    )
    _add_tag_options(tags)
    _add_output_options(tags)
    parsers: dict[str, argparse.ArgumentParser] = {"tags": tags}
    for kind, text in _ABOUT.items():
        parser = kinds.add_parser(
            kind, help=text.rstrip("."), description=text, epilog=_FORMS, formatter_class=raw
        )
        _add_table_options(parser, scale=kind != "antonyms")
        _add_output_options(parser)
        parsers[kind] = parser
    return parsers


def _add_tag_options(parser: argparse.ArgumentParser) -> None:
    add = parser.add_argument
    add("--scores", metavar="FILE.npz", type=Path, required=True, help="score arrays by member")
    add("--labels", metavar="TSV", type=Path, required=True, help="official list of tracks and tags")
    add("--members", metavar="A,B,..", default="", help="which arrays (default: all)")
    add("--fusion", metavar="NAME", default="mean", help="how members are fused (default: %(default)s)")
    add(
        "--thresholds",
        metavar="official|validation|FILE|NUMBER",
        default="",
        help="official tunes them on the labels given, and every output says so (default: validation)",
    )
    add("--validation-scores", metavar="FILE.npz", type=Path, help="the same members on validation")
    add("--validation-labels", metavar="TSV", type=Path, help="official list of the validation tracks")
    add("--save-thresholds", metavar="FILE", type=Path, help="keep validation's thresholds as JSON")
    add(
        "--draws",
        metavar="N",
        type=int,
        default=200,
        help="bootstrap draws, 0 for none (default: %(default)s)",
    )
    add("--seed", metavar="N", type=int, default=7, help="of the bootstrap (default: %(default)s)")


def _add_table_options(parser: argparse.ArgumentParser, *, scale: bool) -> None:
    predictions = parser.add_mutually_exclusive_group(required=True)
    predictions.add_argument("--tables", metavar="OUT", help="predictions: the --output of `moodscribe tag`")
    predictions.add_argument("--predictions", metavar="FILE", type=Path, help="predictions: a table")
    add = parser.add_argument
    add("--annotations", metavar="FILE", type=Path, required=True, help="what was rated: a table")
    if scale:
        add("--scale", metavar="LOW,HIGH", default="-1,1", help="of the annotations, as 1,9 (default: -1,1)")
    add("--stem", action="store_true", help="match songs by file name without folder and suffix")
    add("--partial", action="store_true", help="leave out annotated songs without prediction, and say so")


def _add_output_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", metavar="FILE", type=Path, help="every figure as JSON")
    parser.add_argument("--page", metavar="FILE.html", type=Path, help="one page with plots")
