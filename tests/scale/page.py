"""deploy/SCALING.md from what was measured: the sum for 1, 10 and 100 million tracks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from models.training.reporting.markdown import table
from pipelines.planning.prices import Machine, Prices, read_prices
from tests.scale.runs import TRACKS_PER_RUN

_TRACKS = (1_000_000, 10_000_000, 100_000_000)
_MACHINE = "n2-standard-4"
_WORKERS = {1_000_000: 50, 10_000_000: 250, 100_000_000: 1_000}
# Google Cloud Storage, standard class, list prices a thousand operations: reads, writes and listings.
_READ_1000, _WRITE_1000 = 0.0004, 0.005
_ROWS_A_FILE = 500_000


def write_page(result: Mapping[str, Any], file: Path) -> None:
    """Write the page."""
    file.write_text("\n".join(_page(result, read_prices())) + "\n")


def _page(result: Mapping[str, Any], prices: Prices) -> Iterator[str]:
    full = result["full_tracks"]
    machine = next(one for one in prices.machines if one.name == _MACHINE)
    yield "# Scaling"
    yield ""
    yield (
        "What a catalogue of 1, 10 and 100 million tracks takes. `make bench-scale` measures and writes this "
        "page; its numbers are in [scale.json](scale.json). Measured is one machine with "
        f"{result['machine']['processors']} processors; all that is said of Dataflow is that, multiplied: "
        "nobody has run it there."
    )
    yield from _measured(result)
    yield from _sums(full, machine, prices)
    yield from _advice()


def _measured(result: Mapping[str, Any]) -> Iterator[str]:
    full, rows = result["full_tracks"], result["by_number"]
    yield from ("", "## Measured", "")
    yield (
        f"Tracks of 210 s (stereo MP3, 44.1 kHz, 128 kbit/s; {full['audio']}), default bundle: "
        f"**{full['cpu_s']:.2f} s of one processor** a track (standard error {full['cpu_error_s']:.2f} s, "
        f"{full['tracks']} tracks), decoding included; "
        f"{sum(full['bytes_of_rows'].values()) / 1000:.0f} kB of tables a track in a run of so few."
    )
    yield ""
    yield (
        "Short tracks (3.1 s, no two alike) with a small tagger and a small regressor of random weights, two "
        f"workers, `--tracks-per-run` {TRACKS_PER_RUN:,}:"
    )
    yield ""
    yield table(
        ("tracks", "runs", "seconds", "ms a track", "launcher MiB", "worker MiB", "decoder MiB"),
        [
            (
                f"{row['tracks']:,}",
                str(row["runs"]),
                f"{row['seconds']:,.0f}",
                f"{row['ms_a_track']:.1f}",
                *(str(row["peak_mib"][sort]) for sort in ("launcher", "worker", "decoder")),
            )
            for row in rows
        ],
    )
    yield from ("", "![memory and time by number of tracks](scale.svg)", "")
    two, over = result["two_workers"], result["overhead"]
    yield (
        f"Two worker processes tag {two['ratio']:.2f} times as many tracks a second as one (medians of "
        f"{two['rounds']}, starts taken off). A worker process has one copy of the models and gives "
        "TensorFlow, BLAS and the decoder one thread each."
    )
    yield ""
    yield (
        f"The whole pipeline on Beam's local runner takes {over['ratio']:.3f} times a plain loop of the same "
        f"functions in one process (medians of {len(over['seconds']['loop'])}, {over['tracks']} tracks)."
    )
    yield from ("", *_large(result["large_catalogue"]), "")
    yield "A feature cache, for each track of 210 s, and how far results by it are from those of the audio:"
    yield ""
    yield table(
        ("type", "kB a track", "GB a million", "score", "valence", "arousal"),
        [
            (
                kind,
                f"{one['bytes'] / 1000:.0f}",
                f"{one['bytes'] / 1000:.0f}",
                *(f"{one[f'{name}_off_by']:.2g}" for name in ("score", "valence", "arousal")),
            )
            for kind, one in full["cache"].items()
        ],
    )


def _large(large: Mapping[str, Any]) -> Iterator[str]:
    yield (
        f"A manifest of {large['rows']:,} rows beside as many tracks of earlier runs, tagging stubbed (a run "
        "takes up at most 10,000), one process; memory is that of all processes together:"
    )
    yield ""
    yield table(
        ("case", "seconds", "processor seconds", "MiB"),
        [
            (case["case"], f"{case['seconds']:.0f}", f"{case['cpu_s']:.0f}", f"{case['peak_mib']:,}")
            for case in large["cases"]
        ],
    )


def _sums(full: Mapping[str, Any], machine: Machine, prices: Prices) -> Iterator[str]:
    yield from ("", "## Extrapolated: a first run on Dataflow", "")
    yield (
        f"Machines {machine.name} at the list prices of {prices.date} in {prices.region} "
        "(`pipelines/planning/prices.json`), a vCPU as fast as a processor here, all busy: two hyperthreads "
        "are one core, so measure a sample there (`moodscribe plan --measure 50`) before you believe it. "
        "Storage operations: a listing or a look at each object, one read, few writes."
    )
    yield ""
    yield table(
        (
            "tracks",
            "vCPU hours",
            "machines",
            "hours",
            "compute",
            "FlexRS",
            "operations",
            "audio read",
            "tables",
        ),
        [_sum(full, tracks, machine, prices) for tracks in _TRACKS],
    )


def _sum(full: Mapping[str, Any], tracks: int, machine: Machine, prices: Prices) -> tuple[str, ...]:
    hours = tracks * full["cpu_s"] / 3600
    cost = hours / machine.vcpus * machine.hour
    operations = tracks / 1000 * (2 * _READ_1000 + _WRITE_1000 / 1000)
    rows = full["bytes_of_rows"]
    return (
        f"{tracks:,}",
        f"{hours:,.0f}",
        str(_WORKERS[tracks]),
        f"{hours / machine.vcpus / _WORKERS[tracks]:.1f}",
        f"${cost:,.0f}",
        f"${cost * prices.flexrs:,.0f}",
        f"${operations:,.0f}",
        f"{tracks * full['bytes_of_audio'] / 1e12:,.1f} TB",
        f"{tracks * (rows['mood_tags'] + rows['emotion_curves']) / 1e9:,.0f} GB",
    )


def _advice() -> Iterator[str]:
    yield f"""
## What bounds it

- **Listing** is one worker's work: a store gives about a thousand names a request, so 100 million take some
  hours. Give a manifest (Parquet) instead, or a folder for each part of the catalogue, with runs of its own.
- **A manifest's objects** are each looked at once a run for their generation, by all workers, 32 at a time
  each: 100 machines look at about 100,000 a second, more than a bucket may like at first (about 5,000 reads a
  second, doubling every 20 minutes).
- **The comparison** with earlier runs is a join of shards of 25,000 rows and more: a row is about 300 bytes
  and is shuffled once. 100 million are 30 GB of shuffle, and 4,000 shards.
- **Hot spots**: work is spread by a hash of the id or of the store's checksum, never by name, so that
  neighbours in the bucket are not read together. A group is large only where thousands of tracks have the
  same audio.
- **Shards of the tables**: at most {_ROWS_A_FILE:,} rows or 256 MB a file (`--rows-per-file`): a million
  tracks are some hundred files of `mood_tags` and some dozens of `emotion_curves`.
- **Quotas to ask for**: vCPUs and addresses in use of the region (250 machines of four are 1,000), Dataflow's
  workers a job (1,000 by default in many projects), persistent disk.
- **Network**: read where the bucket is. The audio in the table, over its machines and hours, is far below
  what a machine may receive.
- **The end of a run** waits for its last track: a worker that has a file of six hours is late by minutes.
- **Compaction** is DuckDB on one machine, out of core: see `moodscribe compact --help`. At 100 million tracks
  (5.6 billion rows of `mood_tags`) give it a machine with a local SSD of a terabyte, or keep the catalogue
  under several outputs.

## Next runs

What is unchanged costs its look and its share of the join, and nothing else: no audio is read. A new
threshold reads the stored raw scores; a new head reads the feature cache, if there is one."""
