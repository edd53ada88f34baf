"""What a track of usual length takes and leaves: processor seconds, bytes of rows and of cached features."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.bundle import Bundle
from models.bundle_source import open_bundle
from pipelines.planning.measure import measure
from pipelines.tables import open_tables
from schemas.track import Track
from schemas.work import CacheType, Reason
from tests.full_tracks import source, write_full_tracks
from tests.jobs import plan_run, run
from transforms.incremental.feature_cache import FeatureCache
from transforms.tagging.worker import WorkSettings


def full_tracks(scratch: Path, count: int) -> dict[str, Any]:
    """What the default bundle takes and leaves a track, of so many stereo MP3s of 210 s at 44.1 kHz."""
    bundle = open_bundle("default")
    folder = scratch / "full"
    write_full_tracks(folder, count)
    planned = plan_run(folder, scratch / "moods", bundle)
    measured = measure(planned.job, [Track(str(file), str(file)) for file in sorted(folder.iterdir())])
    result: dict[str, Any] = {
        "audio": source(),
        "tracks": count,
        "cpu_s": round(measured.cpu_mean_s, 4),
        "cpu_error_s": round(measured.cpu_error_s, 4),
        "bytes_of_audio": _bytes(folder) // count,
        "bytes_of_rows": _row_bytes(planned.plan.identity.output_uri, run(planned), count),
        "cache": {
            kind.value: _cached(folder, scratch / kind.value, bundle, kind, count) for kind in CacheType
        },
    }
    print(json.dumps(result), flush=True)
    return result


def _cached(folder: Path, scratch: Path, bundle: Bundle, kind: CacheType, count: int) -> dict[str, float]:
    """Bytes a track, and how far scores and curves by the cache are from those of the audio."""
    inputs = {member.input_key: bundle.input_hash(member) for member in bundle.predictors}
    work = WorkSettings(cache=FeatureCache(str(scratch / "cache"), kind, inputs))
    run(plan_run(folder, scratch / "moods", bundle, work=work))
    read = _values(scratch / "moods")
    again = plan_run(folder, scratch / "moods", bundle, work=work)
    # As after a change of the models: the same ones once more, from the cache.
    other = replace(again.policy.work, model="other")
    again = replace(again, policy=replace(again.policy, work=other))
    job: Any = again.job
    again = replace(again, job=replace(job, identity=replace(job.identity, work=other)))
    record = run(again)
    if record["cached"] != count or record["reasons"] != {str(Reason.MODEL): count}:
        raise RuntimeError(f"not all came from the cache: {record['cached']}, {record['reasons']}")
    cached = _values(scratch / "moods")
    return {
        "bytes": _bytes(scratch / "cache") // count,
        **{name: float(np.abs(cached[name] - read[name]).max()) for name in read},
    }


def _values(output: Path) -> Mapping[str, NDArray[np.float64]]:
    tables = open_tables(str(output))
    tags = tables.query("SELECT score FROM mood_tags ORDER BY track_id, tag")["score"]
    curves = tables.query("SELECT valence, arousal FROM emotion_curves ORDER BY track_id")
    return {
        "score_off_by": tags.to_numpy(np.float64),
        "valence_off_by": np.concatenate(curves["valence"].to_list()),
        "arousal_off_by": np.concatenate(curves["arousal"].to_list()),
    }


def _row_bytes(output: str, record: Mapping[str, Any], count: int) -> dict[str, int]:
    folder = Path(output) / f"run_id={record['run_id']}"
    sizes = {
        table: sum((folder / file).stat().st_size for file in entry["files"]) // count
        for table, entry in record["tables"].items()
    }
    shutil.rmtree(output)
    return sizes


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
