"""Arguments of `moodscribe train`."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.job_arguments import Show
from pipelines.option_hints import HintingParser

SYSTEMS = (
    "crnn",
    "deep-spectrum-rnn",
    "deep-lstm",
    "antonym-rnn",
    "gru",
    "autoencoder",
    "two-convolutions",
)

_ABOUT = f"""\
Train a system on a labelled data set and write a bundle for `moodscribe tag --bundle`.

SYSTEM is one of {", ".join(SYSTEMS)}.
Taggers (crnn, deep-spectrum-rnn) learn tags; antonym-rnn learns the shares of two opposite moods, a net for
each pair; the others learn valence and arousal, curves where the set has them, else one rating a track.

Presets: "published" is the paper's net and schedule, "improved" the paper's net with our schedule (Adam,
early stopping, for crnn also SpecAugment), "compact" a small net with our schedule. Names such as
published-bilstm, published-5s-gru or published-forked choose one of the published ones.

A training that was stopped goes on after its last whole epoch when the same command is given again, and ends
with the same weights. Its checkpoints, and the features where none were given, are in --work.
"""

_EXAMPLES = """
examples:
  moodscribe train gru --data moods4q=DIR --output ours
  moodscribe train crnn --data jamendo=DIR,audio=DIR --features logmel --output tags --preset improved
  moodscribe train antonym-rnn --data emotify=DIR --output pairs --preset compact --set units=64
"""


def _data_sets() -> str:
    from models.training.data.spec import describe_sources

    return describe_sources()


def train_parser(commands: argparse._SubParsersAction[HintingParser]) -> HintingParser:
    """The parser of `train`, added to the command line."""
    train = commands.add_parser(
        "train",
        help="train a system on a labelled data set",
        description=_ABOUT,
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("system", metavar="SYSTEM", help="what to train")
    train.add_argument("--data", metavar="SPEC", required=True, help="NAME=FOLDER[,key=value...]: see --list")
    train.add_argument("--list", action=Show, const=_data_sets, help="show every data set and end")
    train.add_argument(
        "--output", metavar="BUNDLE", required=True, type=Path, help="folder of the new bundle"
    )
    train.add_argument("--preset", default="published", help="net and schedule (default: %(default)s)")
    train.add_argument(
        "--features", metavar="DIR", help="output of `moodscribe features` (default: made here)"
    )
    train.add_argument("--work", metavar="DIR", type=Path, help="checkpoints (default: BUNDLE.work)")
    train.add_argument("--seed", type=int, default=1, help="of split and first net (default: %(default)s)")
    train.add_argument("--epochs", type=int, default=0, metavar="N", help="at most so many (default: preset)")
    train.add_argument(
        "--members",
        type=int,
        default=0,
        metavar="N",
        help="nets of each kind (default: published: gru 5, else 1)",
    )
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one setting of the net"
    )
    train.add_argument("--vggish", metavar="FILE", help="VGGish weights for crnn (default: the fetched ones)")
    train.add_argument("--workers", type=int, help="processes that make features (default: one a core)")
    train.add_argument("--threads", type=int, default=0, help="of TensorFlow (default: one a core)")
    return train
