"""Rows of the default bundle stay what they were before it was made faster: golden_rows.json, within 1e-4.

`python -m tests.test_golden_rows` writes that file anew; where a change of the bundle or of a front end is
meant to change rows.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from models.bundle_source import open_bundle
from schemas.errors import DataError
from tests.sounds import clicks, music
from transforms.tagging.in_memory import load_tagger

GOLDEN = Path(__file__).with_name("golden_rows.json")
RATE_HZ = 44_100
SECONDS = 47.3


def write_sound(file: Path) -> None:
    """Stereo that gets louder, with beats in its second half."""
    samples = music(SECONDS, rate_hz=RATE_HZ, seed=11)
    beats = clicks(SECONDS, every_s=0.5, rate_hz=RATE_HZ)
    beats[: len(beats) // 2] = 0.0
    left = (samples + beats) * np.linspace(0.2, 0.9, len(samples))
    soundfile.write(file, np.stack([left, np.roll(left, 30)], axis=1), RATE_HZ, subtype="FLOAT")


def rows_of(file: Path) -> dict[str, Any]:
    """Numbers of a file's rows by what they are."""
    found = load_tagger(open_bundle("default")).rows({"golden": file})["golden"]
    assert not isinstance(found, DataError)
    (curve,) = found.tables["emotion_curves"]
    return {
        "raw_scores": [row.raw_score for row in found.tables["mood_tags"]],
        "scores": [row.score for row in found.tables["mood_tags"]],
        "disagreement": [row.disagreement for row in found.tables["mood_tags"]],
        "valence": list(curve.valence),
        "arousal": list(curve.arousal),
        "quadrant_shares": [curve.q1_share, curve.q2_share, curve.q3_share, curve.q4_share],
        "change_points_s": list(curve.change_points_s),
    }


def test_rows_are_those_of_the_plain_way(tmp_path: Path) -> None:
    write_sound(tmp_path / "golden.wav")
    found, golden = rows_of(tmp_path / "golden.wav"), json.loads(GOLDEN.read_text())
    assert found.keys() == golden.keys()
    for name, values in golden.items():
        np.testing.assert_allclose(found[name], values, atol=1e-4, err_msg=name)


def main() -> None:
    """Write the file."""
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        write_sound(Path(folder) / "golden.wav")
        rows = rows_of(Path(folder) / "golden.wav")
    GOLDEN.write_text(json.dumps({name: np.round(some, 6).tolist() for name, some in rows.items()}) + "\n")


if __name__ == "__main__":
    main()
