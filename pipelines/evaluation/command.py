"""`moodscribe evaluate`: tags, curves, static ratings and antonym pairs against labels."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.evaluation.arguments import evaluate_parsers
from pipelines.option_hints import HintingParser
from schemas.errors import DataError, FailureKind, Stage

if TYPE_CHECKING:
    import pandas as pd

    from models.evaluation.affect_files import Sides
    from models.evaluation.pages.report import Report
    from models.evaluation.reading.matching import Matching
    from models.evaluation.reading.scale import Scale
    from models.evaluation.tag_files import TagRequest


def add_evaluate(commands: argparse._SubParsersAction[HintingParser]) -> None:
    """Add `evaluate` with its kinds to the command line."""
    for kind, parser in evaluate_parsers(commands).items():
        parser.set_defaults(run=_run_tags if kind == "tags" else _run_tables)


def _run_tags(arguments: argparse.Namespace, _: list[str]) -> int:
    from models.evaluation.measures.bootstrap import Draws
    from models.evaluation.pages.tags_report import tags_report
    from models.evaluation.tag_files import evaluate_tag_files

    if arguments.draws < 0:
        raise _refusal(f"--draws {arguments.draws} is below 0")
    request = _tag_request(arguments)
    done = evaluate_tag_files(request, Draws(draws=arguments.draws, seed=arguments.seed))
    if keep := arguments.save_thresholds:
        if done.thresholds.kind != "validation":
            raise _refusal(
                f"--save-thresholds keeps validation's thresholds, these are {done.thresholds.kind}"
            )
        _write(keep, _as_json(done.thresholds.record(done.scored.tags)))
    return _give(arguments, done.found, tags_report(done.found, done.scored if arguments.page else None))


def _tag_request(arguments: argparse.Namespace) -> TagRequest:
    from models.evaluation.fusion import FUSIONS, LEARNED, MEAN
    from models.evaluation.reading.refusal import unknown
    from models.evaluation.tag_files import ScoreFiles, TagRequest

    fusions = (MEAN, *LEARNED, *FUSIONS)
    if arguments.fusion not in fusions:
        raise _refusal(f"--fusion: {unknown(arguments.fusion, fusions, kind='fusion')}")
    scores, labels = arguments.validation_scores, arguments.validation_labels
    if (scores is None) != (labels is None):
        raise _refusal("--validation-scores and --validation-labels are given together or not at all")
    return TagRequest(
        ScoreFiles(arguments.scores, arguments.labels),
        ScoreFiles(scores, labels) if scores else None,
        tuple(name.strip() for name in arguments.members.split(",") if name.strip()),
        arguments.fusion,
        arguments.thresholds,
    )


def _run_tables(arguments: argparse.Namespace, _: list[str]) -> int:
    from models.evaluation.affect_files import read_sides
    from models.evaluation.reading.matching import Matching

    kind = arguments.kind
    scale = _scale(arguments.scale) if kind != "antonyms" else None
    predictions = _from_run(arguments.tables, kind) if arguments.tables else arguments.predictions
    name = arguments.tables or arguments.predictions.name
    sides = read_sides(kind, predictions, arguments.annotations, name=name)
    found, report = _measure(kind, sides, Matching(arguments.stem, arguments.partial), scale)
    return _give(arguments, found, report)


def _measure(kind: str, sides: Sides, how: Matching, scale: Scale | None) -> tuple[dict[str, Any], Report]:
    from models.evaluation import affect_files as files
    from models.evaluation.pages import affect_reports as reports

    if scale is None:
        found, pairs = files.evaluate_antonym_tables(sides, how)
        return found, reports.antonyms_report(found, pairs)
    if kind == "static":
        found, ratings = files.evaluate_static_tables(sides, how, scale)
        return found, reports.static_report(found, ratings)
    found, songs = files.evaluate_curve_tables(sides, how, scale)
    return found, reports.curves_report(found, songs)


def _from_run(output_uri: str, kind: str) -> pd.DataFrame:
    """Current rows that runs under `output_uri` have of a kind, with the columns that its files have."""
    from pipelines.tables import open_tables

    tables = open_tables(output_uri)
    try:
        tables.check("antonyms" if kind == "antonyms" else "emotion_curves")
        return tables.query(_SELECT[kind])
    finally:
        tables.connection.close()


_SELECT = {
    "curves": "SELECT track_id, start_s, step_s, valence, arousal FROM emotion_curves",
    "static": "SELECT track_id, valence_mean AS valence, arousal_mean AS arousal, quadrant "
    "FROM emotion_curves",
    "antonyms": "SELECT track_id, pair, share FROM antonyms",
}


def _scale(text: str) -> Scale:
    from models.evaluation.reading.scale import Scale

    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        raise _refusal(f"--scale {text!r} is not of the form LOW,HIGH") from None
    if not low < high:
        raise _refusal(f"--scale {text}: {low:g} is not below {high:g}")
    return Scale(low, high)


def _give(arguments: argparse.Namespace, found: dict[str, Any], report: Report) -> int:
    from models.evaluation.pages.page import html_page
    from models.evaluation.pages.terminal import print_report
    from pipelines.cli import EXIT_DONE

    if arguments.json:
        _write(arguments.json, _as_json(found))
    if arguments.page:
        _write(arguments.page, html_page(report))
    print_report(report)
    return EXIT_DONE


def _as_json(found: dict[str, Any]) -> str:
    return json.dumps(found, indent=1, allow_nan=False, ensure_ascii=False) + "\n"


def _write(path: Path, text: str) -> None:
    """Write a file whole or not at all; DataError(bad_output)."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    except OSError as error:
        raise DataError(FailureKind.BAD_OUTPUT, Stage.OUTPUT, f"{path}: {error}") from error


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
