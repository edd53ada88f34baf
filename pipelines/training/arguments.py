"""Arguments of `moodscribe train`."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.job_arguments import Show
from pipelines.option_hints import HintingParser
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    from models.training.systems.folds import FoldPlan

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

With --folds K a track's fold is its index modulo K. The last one is held out; each of the others is
validation once and gives one net, the best of --trials by --select. The bundle is the mean of these K - 1
nets, and its card has its figures on the held-out fold.

A training that was stopped goes on after its last whole epoch when the same command is given again, and ends
with the same weights. Its checkpoints, and the features where none were given, are in --work.
"""

_EXAMPLES = """
examples:
  moodscribe train gru --data moods4q=DIR --output ours
  moodscribe train crnn --data jamendo=DIR,audio=DIR --features logmel --output tags --preset improved
  moodscribe train antonym-rnn --data emotify=DIR --output pairs --preset compact --set units=64

run 1 of Coutinho et al. (MediaEval 2015); run 2 is --select ccc, 3 and 4 the same with --preset published-fs2
(runs 1 and 2, and 3 and 4, choose from the same nets: with the same --work these are trained once):
  moodscribe train deep-lstm --data mediaeval2015=DIR --output run1 --work fs1 \\
    --folds 11 --trials 5 --select rmse
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
    train.add_argument("--folds", type=int, default=0, metavar="K", help="folds by index (default: none)")
    train.add_argument(
        "--trials", type=int, metavar="T", help="nets of each fold, of which one is kept (default: 1)"
    )
    train.add_argument(
        "--select", choices=("rmse", "ccc"), help="by what it is kept, of its fold (default: rmse)"
    )
    train.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="one setting of the net"
    )
    train.add_argument("--vggish", metavar="FILE", help="VGGish weights for crnn (default: the fetched ones)")
    train.add_argument("--workers", type=int, help="processes that make features (default: one a core)")
    train.add_argument("--threads", type=int, default=0, help="of TensorFlow (default: one a core)")
    return train


def chosen_folds(arguments: argparse.Namespace) -> FoldPlan | None:
    """What --folds, --trials and --select say, None without folds; DataError where they do not fit."""
    from models.registry import Role, architecture
    from models.training.systems.folds import LEAST_FOLDS, FoldPlan

    folds, trials, select = arguments.folds, arguments.trials, arguments.select
    if not folds:
        for name in ("trials", "select"):
            if (value := getattr(arguments, name)) is not None:
                raise _refusal(f"--{name} {value} is of the nets of a fold; give --folds too")
        return None
    if folds < LEAST_FOLDS:
        raise _refusal(f"--folds {folds} is below {LEAST_FOLDS}: to train, to choose by and to hold out")
    if trials is not None and trials < 1:
        raise _refusal(f"--trials {trials} is below 1")
    if architecture(arguments.system).role is not Role.REGRESSOR:
        raise _refusal(f"--folds is for valence and arousal, which {arguments.system} does not learn")
    if arguments.members:
        raise _refusal(
            f"--members {arguments.members}: with --folds a bundle has one net of each; see --trials"
        )
    return FoldPlan(folds, trials or 1, select or "rmse")


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
