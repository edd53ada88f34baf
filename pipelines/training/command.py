"""`moodscribe train`: a system from a labelled data set to a bundle that `moodscribe tag` runs."""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.option_hints import HintingParser
from pipelines.training.arguments import SYSTEMS, chosen_folds, train_parser
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    from models.training.data.form import DataSet
    from models.training.learning.checkpoint import Progress
    from models.training.systems.bundle_of_system import Facts
    from models.training.systems.loop import Trained
    from models.training.systems.plan import MemberPlan, SystemPlan


def add_train(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """Add `train` to the command line."""
    train_parser(commands).set_defaults(run=run_train)


def run_train(arguments: argparse.Namespace, _: list[str]) -> int:
    """Train from the command's arguments; the exit status. DataError before anything is trained."""
    from models.training.data.spec import open_data
    from models.training.systems.folds import check_folds
    from models.training.systems.plan import Choices, plan_system, unknown
    from pipelines.cli import EXIT_DONE

    output: Path = arguments.output
    if arguments.system not in SYSTEMS:
        raise unknown("system", arguments.system, SYSTEMS)
    _check(arguments)
    folds = chosen_folds(arguments)
    data = open_data(arguments.data)
    changes = _changes(arguments.set)
    members = 1 if folds else arguments.members
    choices = Choices(arguments.preset, arguments.seed, members, arguments.epochs, changes)
    system = plan_system(arguments.system, data, choices)
    if folds:
        check_folds(data, folds)
    work = arguments.work or output.with_name(f"{output.name}.work")
    for note in data.notes:
        print(f"{data.name}: {note}")
    features = arguments.features or str(work / "features")
    if not arguments.features and (status := _extract(system, data, work, arguments)):
        return status
    _train(arguments, system, data, features=features, work=work)
    print(f"bundle: {output}\nnext: moodscribe tag MUSIC --bundle {output} --output moods")
    return EXIT_DONE


def _extract(system: SystemPlan, data: DataSet, work: Path, arguments: argparse.Namespace) -> int:
    from pipelines.training.systems.extract import extract_features

    tracks = [track for track in data.tracks if track.split != "test"]
    if silent := [track.track_id for track in tracks if not track.audio]:
        raise _refusal(
            f"{data.name}: {len(silent)} of {len(tracks)} tracks have no audio, such as {silent[0]}; "
            "give audio=FOLDER in --data, or --features"
        )
    return extract_features(system, tracks, work / "features", workers=arguments.workers)


def _train(
    arguments: argparse.Namespace, system: SystemPlan, data: DataSet, *, features: str, work: Path
) -> None:
    from models.registry import architecture
    from models.tensorflow_start import start_tensorflow
    from models.training.systems.bundle_of_system import Facts
    from models.training.systems.loop import Surroundings, train_member
    from pipelines.training.systems.feature_store import open_features
    from pipelines.training.systems.folds import GatheredFolds, gather_folds, train_folds
    from pipelines.training.systems.gather import gather

    store = open_features(features, architecture(system.system).front_end)
    folds = chosen_folds(arguments)
    gathered = (
        gather_folds(data, system, store, plan=folds)
        if folds
        else gather(data, system, store, seed=arguments.seed)
    )
    start_tensorflow(threads=arguments.threads)
    vggish, notes = _vggish(arguments.vggish, system)
    notes = [*gathered.notes, *notes]
    for note in notes:
        print(note)
    print(", ".join(f"{count} {part}" for part, count in gathered.counts.items()), flush=True)
    facts = Facts(data, gathered.counts, arguments.seed, dict(store.front_end_settings), notes=notes)
    if isinstance(gathered, GatheredFolds):
        with _telling(gathered.members) as told:
            done = train_folds(gathered, Surroundings(work / "checkpoints", "", told=told))
        facts, trained = replace(facts, targets=done.targets, folds=done.report), done.trained
    else:
        with _telling(system.members) as told:
            around = Surroundings(work / "checkpoints", f"{gathered.fingerprint}{vggish}", vggish, told)
            trained = [train_member(plan, gathered.parts[plan.name], around) for plan in system.members]
        targets = {name: parts.validation.targets for name, parts in gathered.parts.items()}
        facts = replace(facts, targets=targets)
    _write(arguments.output, replace(system, members=tuple(one.plan for one in trained)), trained, facts)


def _write(output: Path, system: SystemPlan, trained: list[Trained], facts: Facts) -> None:
    """The bundle, moved to its place when it is whole."""
    from models.training.systems.bundle_of_system import write_system_bundle

    part = output.with_name(f".{output.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    write_system_bundle(part, system, trained, facts, name=output.name)
    try:
        part.replace(output)
    except OSError as error:
        message = f"{output}: {error.strerror}; the bundle is in {part}"
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, message) from error


def _vggish(given: str | None, system: SystemPlan) -> tuple[Path | None, list[str]]:
    """VGGish weights where the schedule freezes convolutions at first, and what to say without them."""
    if not any(phase.frozen for phase in system.members[0].schedule.phases):
        return None, []
    from models.taggers.vggish_weights import vggish_path

    try:
        return vggish_path(given or ""), []
    except DataError as error:
        if given or error.kind is not FailureKind.NOT_FOUND:
            raise
        note = "no VGGish weights here: convolutions start at random and are never frozen"
        return None, [f"{note}; `moodscribe weights fetch vggish` gets them"]


@contextmanager
def _telling(members: Sequence[MemberPlan]) -> Iterator[Callable[[str, Progress], None]]:
    """What hears of each epoch: a line each, and on a terminal a bar of the net that learns."""
    from rich import progress as bars
    from rich.console import Console

    console = Console(file=sys.stdout, soft_wrap=True, highlight=False)
    schedule = members[0].schedule
    sign = 1.0 if schedule.direction == "max" else -1.0
    columns = (bars.TextColumn("{task.description}"), bars.BarColumn(), bars.TimeRemainingColumn())
    with bars.Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        tasks = {
            plan.name: shown.add_task(plan.name, total=schedule.epochs, visible=False) for plan in members
        }

        def told(name: str, progress: Progress) -> None:
            console.print(
                f"{name} epoch {progress.epoch}/{schedule.epochs}: loss {progress.losses[-1]:.5f}, "
                f"validation {schedule.monitor} {sign * progress.scores[-1]:.5f} "
                f"(best: epoch {progress.best_epoch + 1})"
            )
            for plan, task in tasks.items():
                shown.update(task, visible=plan == name)
            shown.update(tasks[name], completed=progress.epoch)

        yield told


def _changes(given: list[str]) -> dict[str, str]:
    pairs = [text.partition("=") for text in given]
    if wrong := [text for text, pair in zip(given, pairs, strict=True) if not pair[1]]:
        raise _refusal(f"--set {wrong[0]}: not of the form NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _check(arguments: argparse.Namespace) -> None:
    """What can be seen to be wrong before the data set is read."""
    output: Path = arguments.output
    for name in ("epochs", "members", "seed", "threads"):
        if (value := getattr(arguments, name)) < 0:
            raise _refusal(f"--{name} {value} is below 0")
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{output}: is there already")


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
