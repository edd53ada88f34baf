"""The table `features` of an output folder as a source of training: rows of tracks by row group."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.tables import open_tables
from schemas.errors import DataError, FailureKind, Stage
from schemas.features import NAME
from transforms.features.registry import FRONT_ENDS, front_end, settings_of
from transforms.storage import open_file

_CURRENT = "SELECT track_id, run_id FROM tracks WHERE status IN ('extracted', 'duplicate')"


@dataclass(frozen=True, slots=True)
class FeatureStore:
    """Current features under an output: the row groups, the rows that count of each, and what they are.

    `front_end_settings` are those that are not the front end's default; `row_shape` is one row's, `runs` are
    the runs' ids.
    """

    files: tuple[tuple[str, int], ...]
    groups: tuple[tuple[str, ...], ...]
    current: frozenset[tuple[str, str]]
    step_s: float
    row_shape: tuple[int, ...]
    front_end_settings: Mapping[str, Any]
    runs: tuple[str, ...]

    def read(self, group: int, wanted: Collection[str]) -> dict[str, NDArray[np.float32]]:
        """Rows [n, *row_shape] float32 of the wanted tracks of a group, by id."""
        uri, place = self.files[group]
        with open_file(uri) as file:
            table = pq.ParquetFile(file).read_row_group(place, columns=["track_id", "run_id", "values"])
        found = {}
        ids, runs = table["track_id"].to_pylist(), table["run_id"].to_pylist()
        column = table["values"].combine_chunks()
        for row, (track, run) in enumerate(zip(ids, runs, strict=True)):
            if track in wanted and (track, run) in self.current:
                found[track] = self._rows(column[row].values)
        return found

    def _rows(self, values: pa.FixedSizeListArray) -> NDArray[np.float32]:
        flat: NDArray[np.float32] = values.flatten().to_numpy(zero_copy_only=False).astype(np.float32)
        return flat.reshape(-1, *self.row_shape)


def open_features(output_uri: str, key: str) -> FeatureStore:
    """The features that runs have left under an output.

    Raises DataError: not_found where there is no committed run, bad_input for runs that are not of features,
    or of another front end than `key`, which it names.
    """
    tables = open_tables(output_uri)
    try:
        newest = tables.runs[-1]
        found = (newest.get("front_end") or {}).get("key")
        if found != key:
            held = f"features of {found}" if found else "moods"
            raise _refusal(f"{output_uri}: holds {held}; this system needs features of {key}")
        frame = tables.query(_CURRENT)
        files = tables.files(NAME)
    finally:
        tables.connection.close()
    current = frozenset(zip(frame["track_id"], frame["run_id"], strict=True))
    indexed = [entry for uri in files for entry in _index(uri, current)]
    if not indexed:
        raise _refusal(f"{output_uri}: no track has features")
    settings = settings_of_run(key, newest["settings"])
    layout = front_end(key.partition("@")[0]).layout(settings)
    return FeatureStore(
        files=tuple(place for place, _ in indexed),
        groups=tuple(ids for _, ids in indexed),
        current=current,
        step_s=layout.step_s,
        row_shape=layout.row_shape,
        front_end_settings=_not_default(key, settings),
        runs=tuple(str(run["run_id"]) for run in tables.runs),
    )


def known_tracks(output_uri: str) -> set[str]:
    """Ids of all tracks that runs under an output have met, failed ones too; none where there is no run."""
    try:
        tables = open_tables(output_uri)
    except DataError as error:
        if error.kind is FailureKind.NOT_FOUND:
            return set()
        raise
    try:
        return set(tables.query("SELECT track_id FROM tracks")["track_id"])
    finally:
        tables.connection.close()


def _index(uri: str, current: frozenset[tuple[str, str]]) -> list[tuple[tuple[str, int], tuple[str, ...]]]:
    """Row groups of a file with the ids of their current tracks, those without any left out."""
    found = []
    with open_file(uri) as file:
        parquet = pq.ParquetFile(file)
        for place in range(parquet.num_row_groups):
            table = parquet.read_row_group(place, columns=["track_id", "run_id"])
            pairs = zip(table["track_id"].to_pylist(), table["run_id"].to_pylist(), strict=True)
            if ids := tuple(track for track, run in pairs if (track, run) in current):
                found.append(((uri, place), ids))
    return found


def settings_of_run(key: str, recorded: Mapping[str, Any]) -> Any:
    """A front end's settings from a run's record, which has weights by their hash and not by their path."""
    default = next(iter(FRONT_ENDS[key.partition("@")[0]].presets.values()))
    values = {name: recorded[name] for name in settings_of(default) if name in recorded and name != "weights"}
    if "weights" in recorded:
        values["weights_sha256"] = str(recorded["weights"]).removeprefix("sha256 ")
    return type(default)(**values) if values else default


def _not_default(key: str, settings: Any) -> dict[str, Any]:
    default = settings_of(next(iter(FRONT_ENDS[key.partition("@")[0]].presets.values())))
    return {name: value for name, value in settings_of(settings).items() if value != default[name]}


def _refusal(message: str) -> DataError:
    return DataError(FailureKind.BAD_INPUT, Stage.INPUT, message)
