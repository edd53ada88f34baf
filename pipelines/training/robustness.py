"""How a bundle's tags and curves change when the same track comes in another form:
python -m pipelines.training.robustness --help.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import logging
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from models.bundle import Bundle
from models.bundle_source import open_bundle
from models.registry import Role
from models.training.reporting.robustness_figures import curve_figures, decisions_changed, tag_figures
from models.training.reporting.robustness_plot import draw_robustness
from models.training.reporting.robustness_text import robustness_text
from pipelines.training.clips import Clip, folds_of, read_clips
from pipelines.training.forms import FORMS, ORIGINAL, Form, read_sound
from schemas.clock import to_samples
from schemas.errors import DataError, FailureKind, Stage
from transforms.tagging.in_memory import FileTagger, TaggedTrack, load_tagger
from transforms.tagging.rows import STEPS_HZ

log = logging.getLogger(__name__)

# Raise it when a form or the way from a file to its answer changes: what was kept before is not taken then.
EDITION = 1


@dataclass(frozen=True, slots=True)
class Answers:
    """What a bundle says of clips in one form, by clip id, and why it says nothing of the others."""

    tracks: Mapping[str, TaggedTrack]
    failed: Mapping[str, str]


def measure_robustness(
    bundle: Bundle, clips: Sequence[Clip], folder: Path, *, forms: Mapping[str, Form] = FORMS
) -> dict[str, Any]:
    """Figures of every form against the original, ready for JSON; what the bundle says is kept in `folder`.

    The original is the decoded audio at its own rate and channels as WAV of floats. A clip that cannot be
    tagged in a form is counted as failed there. Raises DataError(bad_input) for one whose original cannot.
    """
    runs = _Runs(bundle, clips, folder / _key(bundle, clips))
    original = runs.answers("original", ORIGINAL)
    for clip_id, message in original.failed.items():
        raise DataError(FailureKind.BAD_INPUT, Stage.DECODE, f"clip {clip_id}: {message}")
    found = {name: compare(original, runs.answers(name, form), form, bundle) for name, form in forms.items()}
    return {
        "bundle": bundle.key,
        "clips": len(clips),
        "sources": dict(sorted(Counter(clip.source for clip in clips).items())),
        "forms": found,
    }


def compare(original: Answers, changed: Answers, form: Form, bundle: Bundle) -> dict[str, Any]:
    """Figures of one form; those of tags or curves are left out where the bundle has no members for them."""
    pairs = [(original.tracks[clip_id], other) for clip_id, other in changed.tracks.items()]
    figures: dict[str, Any] = {"clips": len(pairs), "failed": dict(changed.failed)}
    if pairs and bundle.tags:
        scores, others = (np.stack([pair[side].scores for pair in pairs]) for side in (0, 1))
        tagged, retagged = (np.stack([pair[side].tagged for pair in pairs]) for side in (0, 1))
        figures["tags"] = tag_figures(scores, others, bundle.tags)
        figures["decisions_changed"] = decisions_changed(tagged, retagged)
    if pairs and bundle.of_role(Role.REGRESSOR):
        first = to_samples(form.begins_s, rate_hz=STEPS_HZ)
        figures["curves"] = curve_figures([(one.curve[first:], other.curve) for one, other in pairs])
    return figures


def chosen(clips: Sequence[Clip], count: int, *, fold: int = 0) -> list[Clip]:
    """At most so many of the clips of a fold, in the order of a hash of their ids."""
    own = [clip for clip, place in zip(clips, folds_of(clips), strict=True) if place == fold]
    return sorted(own, key=lambda clip: hashlib.sha256(clip.clip_id.encode()).digest())[:count]


@dataclass(frozen=True)  # without slots: the models are loaded when a form has to be run
class _Runs:
    """Answers of a bundle by form, run once and kept as JSON in a folder of this bundle and these clips."""

    bundle: Bundle
    clips: Sequence[Clip]
    folder: Path

    @cached_property
    def tagger(self) -> FileTagger:
        return load_tagger(self.bundle)

    def answers(self, name: str, form: Form) -> Answers:
        path = self.folder / f"{_file_name(name)}.json"
        if path.is_file():
            return _read(path)
        self.folder.mkdir(parents=True, exist_ok=True)
        found = self._run(form)
        _write(path, found)
        log.info("%s: %d clips, %d failed", name, len(found.tracks), len(found.failed))
        return found

    def _run(self, form: Form) -> Answers:
        with tempfile.TemporaryDirectory(dir=self.folder) as name:
            files = {}
            for clip in self.clips:
                files[clip.clip_id] = Path(name) / f"{_file_name(clip.clip_id)}.{form.container}"
                files[clip.clip_id].write_bytes(form.change(*read_sound(clip.path)))
            found = self.tagger.tag(files)
        return Answers(
            {clip_id: one for clip_id, one in found.items() if isinstance(one, TaggedTrack)},
            {clip_id: f"{one.kind}: {one}" for clip_id, one in found.items() if isinstance(one, DataError)},
        )


def _key(bundle: Bundle, clips: Sequence[Clip]) -> str:
    asked = [EDITION, bundle.sha256, [clip.clip_id for clip in clips]]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()[:16]


def _file_name(name: str) -> str:
    return "".join(letter if letter.isalnum() or letter in "+-" else "-" for letter in name)


def _write(path: Path, answers: Answers) -> None:
    """Whole or not at all; a number is read back as it was."""
    tracks = {
        clip_id: {"scores": one.scores.tolist(), "tagged": one.tagged.tolist(), "curve": one.curve.tolist()}
        for clip_id, one in answers.tracks.items()
    }
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_text(json.dumps({"tracks": tracks, "failed": dict(answers.failed)}), encoding="utf-8")
    temporary.replace(path)


def _read(path: Path) -> Answers:
    kept = json.loads(path.read_text("utf-8"))
    tracks = {
        clip_id: TaggedTrack(
            np.array(one["scores"], np.float64),
            np.array(one["tagged"], np.bool_),
            np.array(one["curve"], np.float64).reshape(-1, 2),
        )
        for clip_id, one in kept["tracks"].items()
    }
    return Answers(tracks, kept["failed"])


def parse(arguments: Sequence[str] | None, description: str) -> argparse.Namespace:
    """Options of a measurement of a bundle on clips; starts the log."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--bundle", required=True, help="folder or name of the bundle")
    parser.add_argument("--data", type=Path, required=True, help="folder with moods4q/ and emotify/")
    parser.add_argument("--work", type=Path, required=True, help="folder for what is kept; resumed")
    parser.add_argument(
        "--clips", type=int, default=40, help="most clips of the first fold to take (default: %(default)s)"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    return options


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, print the section of the card and draw its picture into the work folder."""
    options = parse(arguments, "Measure what other forms of a track do to its tags and curves.")
    clips = chosen(read_clips(options.data), options.clips)
    figures = measure_robustness(open_bundle(options.bundle), clips, options.work)
    draw_robustness(figures, options.work)
    print(robustness_text(figures))


if __name__ == "__main__":
    main()
