"""Arguments of the jobs: `moodscribe tag`, `moodscribe features`, and what they share."""

from __future__ import annotations

import argparse
from typing import Any

from pipelines.number_arguments import number, whole
from pipelines.option_hints import HintingParser
from schemas.precision import Precision
from schemas.work import CacheType
from transforms.incremental.policy import Gone

_TAG = """\
Tag every track of INPUT and write the tables of one run under OUT.

INPUT is a file, a folder (with all folders in it), a glob, the same on gs:// or s3://, or a manifest:
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
  moodscribe tag music/ --output moods --all-tags
  moodscribe tag catalogue.csv --output gs://bucket/moods --bundle gs://bucket/bundles/ours
  moodscribe tag gs://bucket/audio --output gs://bucket/moods --runner DataflowRunner \\
      --project P --region europe-west1 --temp_location gs://bucket/tmp \\
      --sdk_container_image europe-west1-docker.pkg.dev/P/repository/moodscribe:0.1.0
"""

_PLAN = """\
Say what `moodscribe tag` with the same arguments would do, and write nothing: how many tracks are new,
changed, made by other models or settings, or failed before; how many hours of audio that is; and how long it
would take and what it would cost, from a sample that is measured on this machine and from a price table.
"""

_PLAN_EXAMPLES = """\
examples:
  moodscribe plan music/ --output moods
  moodscribe plan catalogue.parquet --output gs://bucket/moods --bundle gs://bucket/bundles/ours --measure 50
  moodscribe plan catalogue.csv --output moods --prices ours.json --json plan.json
"""

_FEATURES = """\
Write what a front end makes of every track of INPUT, ready for training: one row a track in the table
`features` under OUT, with track_id, start_s, step_s, names and values (a list of fixed-size lists, one for
each step).

NAME is a front end; `moodscribe features --list` shows them all with their presets and settings. INPUT and
the account of a run (tracks, failures, run.json) are as in `moodscribe tag`. OUT takes runs of one front end
with one set of settings.

A whole track is in memory at once: an hour at 44.1 kHz takes 0.6 GB.
"""

_FEATURES_EXAMPLES = """\
examples:
  moodscribe features crnn-logmel music/ --output logmel --dtype float16
  moodscribe features deep-spectrum music/ --output images-5s --preset 5s
  moodscribe features deep-spectrum music/ --output ours --set window_s=2 --set hop_s=0.5
  moodscribe features compare-lld catalogue.csv --output gs://bucket/fs2 --preset fs2
  moodscribe export images-5s features features.arff
"""

_STATUS = """
exit status:
  0  every input is accounted for      2  usage: nothing was run
  1  more failures than allowed        3  the account does not add up: nothing was published
  4  the machine failed the run, such as a full disk or a worker killed twice: nothing of it was published
"""

_RAW = argparse.RawDescriptionHelpFormatter


def add_tag(commands: argparse._SubParsersAction[HintingParser]) -> argparse.ArgumentParser:
    """`moodscribe tag`."""
    tag = commands.add_parser(
        "tag",
        help="tag tracks: the main job",
        description=_TAG,
        epilog=_TAG_EXAMPLES + _STATUS,
        formatter_class=_RAW,
        allow_abbrev=False,
    )
    _add_tag_arguments(tag)
    return tag


def add_plan(commands: argparse._SubParsersAction[HintingParser]) -> argparse.ArgumentParser:
    """`moodscribe plan`."""
    plan = commands.add_parser(
        "plan",
        help="say what `tag` would do, why, how long it would take and what it would cost",
        description=_PLAN,
        epilog=_PLAN_EXAMPLES,
        formatter_class=_RAW,
        allow_abbrev=False,
    )
    _add_tag_arguments(plan)
    plan.add_argument(
        "--measure",
        type=whole(0),
        default=8,
        metavar="N",
        help="tag N tracks of what is to do, chosen by their ids, for an estimate; writes nothing "
        "(default: %(default)s)",
    )
    plan.add_argument(
        "--prices", metavar="FILE", help="price table (default: pipelines/planning/prices.json)"
    )
    plan.add_argument("--json", metavar="FILE", help="write the plan as JSON, too")
    return plan


def add_features(commands: argparse._SubParsersAction[HintingParser]) -> argparse.ArgumentParser:
    """`moodscribe features`."""
    features = commands.add_parser(
        "features",
        help="write what a front end makes of tracks, for training",
        description=_FEATURES,
        epilog=_FEATURES_EXAMPLES + _STATUS,
        formatter_class=_RAW,
        allow_abbrev=False,
    )
    _add_features_arguments(features)
    return features


def options_of(command: str) -> list[str]:
    """Names of the options of a job's command."""
    parser = argparse.ArgumentParser()
    {"tag": _add_tag_arguments, "features": _add_features_arguments}[command](parser)
    return list(parser._option_string_actions)


def _add_tag_arguments(tag: argparse.ArgumentParser) -> None:
    _add_input_and_output(tag)
    tag.add_argument(
        "--bundle",
        default="default",
        help="models: a shipped name, a folder, gs:// or s3:// (default: %(default)s)",
    )
    tag.add_argument(
        "--coverage",
        choices=("whole", "centre"),
        default="whole",
        help="tag the whole track, or the 20 s in its middle as published (default: %(default)s)",
    )
    tag.add_argument(
        "--stride-s",
        type=number(0.1, 20.0),
        default=20.0,
        help="seconds from one 20 s chunk to the next (default: %(default)s, no overlap)",
    )
    tag.add_argument(
        "--all-tags",
        action="store_true",
        help="decide every tag, also those that the bundle has off because they are near chance; without it "
        "they are never tagged, and their scores and ranks are written all the same",
    )
    tag.add_argument(
        "--precision",
        choices=[precision.value for precision in Precision],
        default=Precision.FLOAT32.value,
        help="numbers in which image nets (Deep Spectrum's) compute: int8 is several times faster, and is "
        "refused at the start where it is not close to float32; needs the extra `openvino` "
        "(default: %(default)s)",
    )
    tag.add_argument(
        "--feature-cache",
        metavar="URI",
        help="folder, gs:// or s3:// that keeps what the models' heads take of each track: a later run with "
        "other heads then reads no audio (default: none)",
    )
    tag.add_argument(
        "--feature-cache-type",
        choices=[kind.value for kind in CacheType],
        default=CacheType.FLOAT16.value,
        help="how the cache keeps values (default: %(default)s)",
    )
    tag.add_argument("--batch-size", type=whole(1), help="chunks a batch (default: 16, with --gpu 64)")
    _add_what_to_do(tag)
    _add_how_to_work(tag, max_duration_s=21_600)


def _add_features_arguments(features: argparse.ArgumentParser) -> None:
    features.add_argument("--list", action=Show, const=_front_ends, help="show every front end and end")
    features.add_argument("name", metavar="NAME", help="front end: see --list")
    _add_input_and_output(features)
    features.add_argument("--preset", help="settings by name: see --list (default: the first)")
    features.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one setting; may be given again"
    )
    features.add_argument(
        "--dtype",
        choices=("float32", "float16"),
        default="float32",
        help="of the values; a track with a value beyond 65504 fails as float16 (default: %(default)s)",
    )
    _add_what_to_do(features)
    _add_how_to_work(features, max_duration_s=3_600)


class Show(argparse.Action):
    """Shows a text that `const` makes and ends, as --version does."""

    def __init__(self, option_strings: list[str], dest: str, **given: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **given)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(self.const())
        parser.exit()


def _front_ends() -> str:
    from pipelines.features_command import describe_front_ends

    return describe_front_ends()


def _add_input_and_output(job: argparse.ArgumentParser) -> None:
    job.add_argument("input", metavar="INPUT", help="file, folder, glob, gs://, s3:// or manifest")
    job.add_argument("--output", metavar="OUT", required=True, help="folder, gs:// or s3:// for the tables")


def _add_what_to_do(job: argparse.ArgumentParser) -> None:
    """What of the input a run takes up, given what earlier runs under OUT have."""
    what = job.add_argument_group(
        "what to do",
        "A run compares INPUT with the runs under OUT and takes up what is new, changed, or was made by "
        "other models or settings; what failed is tried again where a second try can help.",
    )
    what.add_argument("--force", action="store_true", help="take up every track, changed or not")
    what.add_argument(
        "--only-failed", action="store_true", help="take up those that failed before, and nothing else"
    )
    what.add_argument("--limit", type=whole(1), metavar="N", help="take up N tracks at most, leave the rest")
    what.add_argument(
        "--sample",
        type=number(0, 1),
        default=1.0,
        metavar="RATE",
        help="take up this share of the tracks, chosen by their ids, leave the rest",
    )
    what.add_argument(
        "--gone",
        choices=[gone.value for gone in Gone],
        default=Gone.INPUT.value,
        help="which tracks get a tombstone because INPUT does not have them: those that runs of the same "
        "INPUT had; all under OUT, because INPUT is the whole catalogue; keep all (default: %(default)s)",
    )
    what.add_argument(
        "--max-gone-rate",
        type=number(0, 1),
        default=0.5,
        help="share of gone tracks above which nothing is published (default: %(default)s)",
    )


def _add_how_to_work(job: argparse.ArgumentParser, *, max_duration_s: int) -> None:
    job.add_argument(
        "--workers", type=whole(1), help="processes on this machine (default: one a core, one for few files)"
    )
    job.add_argument(
        "--tracks-per-run",
        type=whole(1),
        default=10_000,
        help="on this machine: publish after so many tracks and go on with a further run, so that a job that "
        "is stopped goes on from there (default: %(default)s)",
    )
    job.add_argument(
        "--rows-per-file", type=whole(1), default=500_000, help="most rows of a file (default: %(default)s)"
    )
    job.add_argument(
        "--max-file-mb",
        type=number(0.001, 1 << 20),
        default=1024,
        help="largest file (default: %(default)s)",
    )
    job.add_argument(
        "--max-duration-s",
        type=number(3, 1e6),
        default=max_duration_s,
        help="longest track (default: %(default)s)",
    )
    job.add_argument(
        "--decode-timeout-s",
        type=number(0.1, 1e5),
        default=120,
        help="a track's decoder (default: %(default)s)",
    )
    job.add_argument(
        "--decode-memory-mb", type=whole(512), default=2048, help="a decoder's memory (default: %(default)s)"
    )
    job.add_argument(
        "--max-failure-rate",
        type=number(0, 1),
        default=0.5,
        help="share of failed tracks above which the exit status is 1 (default: %(default)s)",
    )
    elsewhere = job.add_argument_group(
        "where",
        "A run is of this machine unless --runner says otherwise; any other option is Beam's. DataflowRunner "
        "needs --project, --region, --temp_location and --sdk_container_image; what else it needs is set.",
    )
    elsewhere.add_argument(
        "--gpu",
        metavar="TYPE",
        help="on Dataflow: machines with one accelerator each, such as nvidia-l4; the image must have "
        "TensorFlow for it (default: none)",
    )
    elsewhere.add_argument(
        "--no-wait",
        dest="wait",
        action="store_false",
        help="elsewhere: hand the job in and end; the job publishes its run by itself",
    )
