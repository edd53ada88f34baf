"""What was measured as Markdown: the tables of the README, and each aim beside what was reached."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from models.training.reporting.markdown import table

RESULT = Path(__file__).resolve().parents[2] / "models" / "performance.json"

_DESCRIPTIONS = {
    "essentia": "Essentia: MonoLoader, its mel extractor; our network",
    "essentia, resampleQuality=4": "the same with `resampleQuality=4` (linear)",
    "librosa + Keras predict": "librosa; our network by Keras's `predict`",
    "MusiCNN's graph": "MusiCNN and its DEAM head: Essentia's extractor, the published graphs",
    "openSMILE's descriptors alone": "openSMILE: ComParE descriptors, no model",
    "drawn Deep Spectrum": "Deep Spectrum: 34 figures drawn, VGG16 by Keras's `predict`",
}
# What a way is compared with, where it is not the main job.
_BESIDE = {"drawn Deep Spectrum": "moodscribe, pictures"}


@dataclass(frozen=True, slots=True)
class Aim:
    """What was aimed at, what was reached, and whether that is met."""

    what: str
    wanted: str
    reached: str
    met: bool


def lines(result: Mapping[str, Any]) -> Iterator[str]:
    """All of it."""
    yield peers_table(result)
    yield ""
    yield aims_table(result)
    yield ""
    yield gpu_table(result)
    for name, reason in result["peers"]["skipped"].items():
        yield f"\n{name}: skipped, {reason}"


def write_tables(result: Mapping[str, Any], root: Path = RESULT.parents[1]) -> None:
    """Put the tables where they stand between comments, in the README and in the ledger."""
    for file, name, text in (
        (root / "README.md", "peers", peers_table(result)),
        (root / "models" / "PERFORMANCE.md", "aims", aims_table(result)),
        (root / "models" / "PERFORMANCE.md", "gpu", gpu_table(result)),
    ):
        begin, end = f"<!-- make bench: {name} -->\n", "\n<!-- end -->"
        head, _, rest = file.read_text().partition(begin)
        _, _, tail = rest.partition(end)
        file.write_text(head + begin + text + end + tail)


def peers_table(result: Mapping[str, Any]) -> str:
    """Each way with its seconds of a core a track and how many times ours it is."""
    ways, ours_s = result["peers"]["ways"], result["main_job"]["core_s"]
    rows = [("**Moodscribe, main job: bytes to Parquet rows**", f"{ours_s:.2f}", "1", "")]
    for name, description in _DESCRIPTIONS.items():
        if name not in ways:
            continue
        beside = ways[_BESIDE[name]]["clock_s"] if name in _BESIDE else ours_s
        rows.append(
            (
                description + (f" (ours {beside:.1f})" if name in _BESIDE else ""),
                f"{ways[name]['clock_s']:.2f}",
                f"{ways[name]['clock_s'] / beside:.1f}",
                f"{ways[name]['off_by']:.2g}" if "off_by" in ways[name] else "",
            )
        )
    return table(("way", "s of a core a track", "times ours", "results differ by at most"), rows)


def aims(result: Mapping[str, Any]) -> Iterator[Aim]:
    """Every aim that has a number."""
    ways, job = result["peers"]["ways"], result["main_job"]
    for name, wanted in (("essentia", 6.0), ("librosa + Keras predict", 10.0)):
        yield _at_least(f"times faster a core than {name}", wanted, ways[name]["clock_s"] / job["core_s"])
    yield _at_least("tracks a second on two cores", 3.3, job["tracks_a_second"])
    stages = result["stages"]
    yield _at_most("decoding and resampling, times libsndfile and soxr", 1.3, stages["decode"]["ratio"])
    yield _at_most("log-mel, times its transforms", 2.0, stages["mel"]["ratio"])
    yield _at_least("network, share of the rate of matrix products", 0.6, stages["network"]["share"])
    nine = result["nine"]
    yield _at_least("VGG16, share of the rate of matrix products", 0.85, nine["float32"]["vgg16_share"])
    yield _at_most("nine models: what is not VGG16, share of a track", 0.15, nine["float32"]["rest_share"])
    if "int8" in nine:
        yield _at_least("int8, times faster through VGG16", 1.8, nine["int8"]["vgg16_times"])
        yield _at_least("int8, least cosine of fc2", 0.995, nine["int8"]["cosine"])
        yield _at_most("int8, tags off by", 0.005, nine["int8"]["tags_off_by"])
    yield _at_most("first result of one file, s: `moodscribe show`", 6.0, result["cold"]["show"])
    yield _at_most("first result of one file, s: `moodscribe tag`, to its tables", 6.0, result["cold"]["tag"])
    yield _at_most("`--help`, s", 0.5, result["cold"]["help"])
    memory = result["memory"]
    yield _at_most("MiB a worker process, tracks of 210 s", 1228, memory["usual_mib"]["worker"])
    yield _at_most(f"MiB a worker process, {memory['hours']:g} hours", 1228, memory["hours_mib"]["worker"])


def aims_table(result: Mapping[str, Any]) -> str:
    """Aims as a table."""
    rows = [(aim.what, aim.wanted, aim.reached, "yes" if aim.met else "**no**") for aim in aims(result)]
    return table(("what", "aim", "measured", "met"), rows)


def gpu_table(result: Mapping[str, Any]) -> str:
    """Both presets on a GPU by size of batch, the fastest in bold; or why there is nothing to tell."""
    if reason := result["gpu"].get("skipped"):
        return f"GPU: {reason}; not measured."
    rows = []
    for preset, sizes in result["gpu"].items():
        fastest = max(one["tracks_a_second"] for one in sizes)
        for one in sizes:
            rate, busy, cores = one["tracks_a_second"], one["utilisation"], one["cores"]
            said = f"**{rate:.3g}**" if rate == fastest else f"{rate:.3g}"
            full = f"{100 * cores / busy:.3g}" if busy else ""
            rows.append(
                (preset, str(one["batch"]), said, f"{busy:.0f} %" if busy else "", f"{cores:.2g}", full)
            )
    header = ("preset", "batch", "tracks a second", "GPU at work", "cores", "cores that keep it at work")
    return table(header, rows)


def _at_least(what: str, wanted: float, reached: float) -> Aim:
    return Aim(what, f"at least {wanted:g}", f"{reached:.4g}", reached >= wanted)


def _at_most(what: str, wanted: float, reached: float) -> Aim:
    return Aim(what, f"at most {wanted:g}", f"{reached:.4g}", reached <= wanted)
