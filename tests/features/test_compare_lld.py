"""FS1, FS2 and the descriptors: what openSMILE's own calls give, DEAM's names, and life without the extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from models.tensorflow_start import start_tensorflow
from schemas.errors import DataError, FailureKind
from tests.real import real_clips
from tests.references.compare_lld import apart, names, reference, reference_descriptors, statistics
from tests.sounds import clicks, music
from transforms.features.descriptors import compare_lld as front_end
from transforms.features.descriptors import opensmile_engine, psychoacoustics
from transforms.features.descriptors.compare_lld import CompareSettings, compare_lld, descriptor_names

RATE_HZ = 44_100
FULL_SCALE = 32767 / 32768
FS1, FS2, LLD = (CompareSettings(values) for values in ("fs1", "fs2", "lld"))


@pytest.fixture
def opensmile() -> None:
    """Tests that need openSMILE skip where it is absent."""
    reason = "openSMILE (research and personal use only, the `opensmile` extra) is not installed"
    pytest.importorskip("opensmile", reason=reason)


def agree(samples: NDArray[np.float32]) -> None:
    rows = apart(reference_descriptors, samples, rate_hz=RATE_HZ)
    np.testing.assert_array_equal(compare_lld(samples, rate_hz=RATE_HZ, settings=LLD), rows)
    found, expected = compare_lld(samples, rate_hz=RATE_HZ), statistics(rows)
    assert found.dtype == np.float32
    # The library's sums are in double precision and its rows in single, as ours are.
    np.testing.assert_allclose(found, expected, rtol=2e-6, atol=1e-9 * np.abs(expected).max())
    scale = np.maximum(np.abs(expected), 1e-6)
    assert np.quantile(np.abs(found - expected) / scale, 0.99) < 1e-6


@pytest.mark.usefixtures("opensmile")
@pytest.mark.parametrize("seconds", [1.04, 1.05, 1.55, 3.217])
def test_composed_sounds_have_the_numbers_of_opensmiles_own_calls(seconds: float) -> None:
    beat = clicks(seconds, every_s=0.3, rate_hz=RATE_HZ)
    agree(music(seconds, rate_hz=RATE_HZ) + beat)


@pytest.mark.usefixtures("opensmile")
def test_real_clips_have_the_numbers_of_opensmiles_own_calls(shared_data: Path) -> None:
    for clip in real_clips(shared_data, 2, rate_hz=RATE_HZ):
        # openSMILE's package wraps what is beyond full scale round; ours cuts it off.
        agree(np.clip(clip[: 8 * RATE_HZ], -1.0, FULL_SCALE))


@pytest.mark.usefixtures("opensmile")
def test_fs2_is_fs1_and_the_four_psychoacoustic_values_of_the_same_rows() -> None:
    samples = music(4.51, rate_hz=RATE_HZ) + clicks(4.51, every_s=0.4, rate_hz=RATE_HZ)
    found = compare_lld(samples, rate_hz=RATE_HZ, settings=FS2)
    # The track has eight whole seconds every half, and openSMILE's frames of 60 ms fill seven of them.
    four = psychoacoustics.psychoacoustics(samples, rate_hz=RATE_HZ)
    assert (found.shape, four.shape) == ((7, 264), (8, 4))
    np.testing.assert_array_equal(found[:, :260], compare_lld(samples, rate_hz=RATE_HZ))
    np.testing.assert_array_equal(found[:, 260:], four[:7])


@pytest.mark.usefixtures("opensmile")
def test_a_row_describes_the_second_that_begins_at_its_time() -> None:
    silence, time = np.zeros(2 * RATE_HZ), np.arange(2 * RATE_HZ) / RATE_HZ
    tone, level = 0.3 * np.sin(2 * np.pi * 440 * time), 0.3 / np.sqrt(2)
    found = compare_lld(np.concatenate([silence, tone]).astype(np.float32), rate_hz=RATE_HZ)
    energy = found[:, descriptor_names(deam=True).index("pcm_RMSenergy_sma") * 2 + 1]
    # Rows 2 and 4 begin at 1 s and 2 s; a frame of 20 ms and its neighbours reach over the edge.
    np.testing.assert_allclose(energy[2:5], [0.0, 0.5 * level, level], atol=0.006)


@pytest.mark.usefixtures("opensmile")
def test_the_names_are_opensmiles() -> None:
    assert list(descriptor_names(deam=False)) == apart(names)


def test_the_names_and_their_order_are_those_of_deams_files(shared_data: Path) -> None:
    with (shared_data / "deam" / "specteral_data.csv").open() as lines:
        header = next(lines).strip().split(",")
    assert [f"{name}_amean" for name in descriptor_names(deam=True)] == header[1:]


def test_the_layouts_have_the_papers_sizes_and_clocks() -> None:
    layouts = {
        name: front_end.FRONT_END.layout(preset) for name, preset in front_end.FRONT_END.presets.items()
    }
    assert {name: len(layout.names) for name, layout in layouts.items()} == {
        "fs1": 260,
        "fs2": 264,
        "lld": 130,
    }
    assert [layout.step_s for layout in layouts.values()] == [0.5, 0.5, 0.01]
    assert all(len(set(layout.names)) == len(layout.names) for layout in layouts.values())
    assert layouts["fs1"].names[:3] == (
        "F0final_sma_stddev",
        "F0final_sma_amean",
        "voicingFinalUnclipped_sma_stddev",
    )
    assert layouts["fs2"].names == layouts["fs1"].names + psychoacoustics.NAMES
    assert layouts["lld"].names[65] == "F0final_sma_de"


# New numbers need a new version; these are of openSMILE 3 by its Python package 2.6.
GOLDEN: dict[str, dict[tuple[int, int], float]] = {
    "fs1": {
        (0, 0): 0.1884983,
        (0, 17): 0.2552325,
        (3, 19): 0.05111867,
        (7, 60): 0.06066685,
        (9, 89): 2.960937,
        (12, 106): 6.357167,
        (17, 150): 0.0002099999,
    },
    "lld": {
        (0, 8): 0.1959613,
        (0, 40): 473.7305,
        (99, 7): 0.9726422,
        (311, 43): 714.3333,
        (500, 9): 0.05278407,
        (640, 52): 28.54926,
        (994, 64): 12.2793,
        (995, 129): 0.9228117,
    },
}


@pytest.mark.usefixtures("opensmile")
@pytest.mark.parametrize("values", GOLDEN)
def test_the_front_end_gives_the_numbers_pinned_for_its_version(values: str) -> None:
    assert front_end.FRONT_END.key == "compare-lld@1"
    chosen = front_end.FRONT_END.start(CompareSettings(values))
    found = chosen(music(10.0, rate_hz=RATE_HZ), rate_hz=RATE_HZ)
    for place, value in GOLDEN[values].items():
        assert found[place] == pytest.approx(value, rel=1e-4), place


@pytest.mark.usefixtures("opensmile")
@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(RATE_HZ * 2),
        np.full(RATE_HZ * 2, 0.5),
        np.full(RATE_HZ * 2, 1e-20),
        np.where(np.arange(RATE_HZ * 2) == 44_000, 1, 0),
        np.where(np.arange(RATE_HZ * 2) % 80 < 40, 8, -8),
    ],
    ids=["silence", "constant", "almost silence", "one click", "square beyond full scale"],
)
def test_sounds_without_music_give_finite_numbers(samples: NDArray[np.float64]) -> None:
    for settings in (FS2, LLD):
        assert np.isfinite(compare_lld(samples.astype(np.float32), rate_hz=RATE_HZ, settings=settings)).all()


@pytest.mark.usefixtures("opensmile")
def test_samples_beyond_full_scale_are_cut_off_and_not_wrapped_round() -> None:
    samples = np.float32(3.0) * music(2.0, rate_hz=RATE_HZ)
    assert np.abs(samples).max() > 1.2
    found = compare_lld(samples, rate_hz=RATE_HZ)
    np.testing.assert_array_equal(found, compare_lld(np.clip(samples, -1, FULL_SCALE), rate_hz=RATE_HZ))
    # The package's own call gives other numbers, since its samples change sign: mean of the zero crossings.
    crossings = 2 * descriptor_names(deam=True).index("pcm_zcr_sma") + 1
    assert (apart(reference, samples, rate_hz=RATE_HZ)[:, crossings] > 1.5 * found[:, crossings]).all()


@pytest.mark.usefixtures("opensmile")
@pytest.mark.parametrize(
    ("total", "values", "rows"),
    [(2_646, "lld", 2), (45_864, "fs1", 1), (67_913, "fs2", 1), (67_914, "fs2", 2), (441_000, "fs1", 18)],
)
def test_there_are_as_many_rows_as_opensmile_has(total: int, values: str, rows: int) -> None:
    samples = music(10.0, rate_hz=RATE_HZ)[:total]
    assert len(compare_lld(samples, rate_hz=RATE_HZ, settings=CompareSettings(values))) == rows


@pytest.mark.parametrize(
    ("samples", "rate_hz", "settings", "message"),
    [
        (
            np.zeros(45_863, np.float32),
            RATE_HZ,
            FS1,
            r"^45863 samples \(1.040 s\); at least 45864 \(1.040 s\)",
        ),
        (np.zeros(2_645, np.float32), RATE_HZ, LLD, r"^2645 samples \(0.060 s\); at least 2646 \(0.060 s\)"),
        (np.zeros(88_200, np.float32), 22_050, FS1, "^rate_hz is 22050; this front end takes 44100$"),
        (np.zeros(88_200), RATE_HZ, FS2, r"^samples must be float32 \[n\], not float64 \[88200\]$"),
        (np.full(88_200, np.inf, np.float32), RATE_HZ, FS1, "^sample 0 is not finite$"),
    ],
)
def test_what_it_cannot_take_is_refused_with_its_value(
    samples: NDArray[np.float32], rate_hz: int, settings: CompareSettings, message: str
) -> None:
    with pytest.raises(DataError, match=message):
        compare_lld(samples, rate_hz=rate_hz, settings=settings)


def test_values_that_there_are_not_are_refused_with_those_there_are() -> None:
    with pytest.raises(DataError, match=r"^values is 'fs3'; it must be one of fs1, fs2, lld$") as caught:
        CompareSettings("fs3")
    assert caught.value.kind is FailureKind.BAD_INPUT


@pytest.mark.parametrize("values", ["fs1", "fs2", "lld"])
def test_without_opensmile_the_error_says_what_to_install_and_on_what_terms(
    monkeypatch: pytest.MonkeyPatch, values: str
) -> None:
    monkeypatch.setitem(sys.modules, "opensmile", None)
    chosen = front_end.FRONT_END
    settings = CompareSettings(values)
    message = (
        r"^openSMILE is not installed: pip install 'moodscribe\[opensmile\]'\. openSMILE 3, \(c\) audEERING"
    )
    samples = music(2.0, rate_hz=RATE_HZ)
    with pytest.raises(DataError, match=message) as caught:
        chosen.start(settings)(samples, rate_hz=RATE_HZ)
    assert caught.value.kind is FailureKind.BAD_INPUT
    with pytest.raises(DataError, match=message):
        chosen.needs(settings)
    # The four values of the paper's second set do not need it.
    assert psychoacoustics.FRONT_END.start(None)(samples, rate_hz=RATE_HZ).shape == (3, 4)


@pytest.mark.usefixtures("opensmile")
def test_the_front_end_names_the_librarys_version_and_its_terms() -> None:
    import opensmile as library

    assert front_end.FRONT_END.needs(FS1) == {"opensmile": library.__version__}
    assert front_end.FRONT_END.terms == opensmile_engine.TERMS
    assert "non-commercial" in opensmile_engine.TERMS


@pytest.mark.usefixtures("opensmile")
def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    compare_lld(music(1.5, rate_hz=RATE_HZ), rate_hz=RATE_HZ, settings=FS2)
    assert capfd.readouterr() == ("", "")


_DIES = "import os, signal, sys; sys.stdin.readline(); os.kill(os.getpid(), signal.SIGSEGV)"
_HANGS = "import time; time.sleep(600)"


@pytest.mark.usefixtures("opensmile")
@pytest.mark.parametrize(
    ("child", "kind", "message"),
    [
        (_DIES, FailureKind.FEATURE_CRASH, r"^openSMILE ended with SIGSEGV$"),
        ("import sys; sys.exit(3)", FailureKind.FEATURE_CRASH, r"^openSMILE ended with exit status 3$"),
        (_HANGS, FailureKind.FEATURE_TIMEOUT, r"^no answer from openSMILE within 2 s$"),
    ],
    ids=["dies", "ends", "hangs"],
)
def test_a_library_that_dies_or_hangs_costs_its_track(
    monkeypatch: pytest.MonkeyPatch, child: str, kind: FailureKind, message: str
) -> None:
    def start() -> subprocess.Popen[str]:
        command = [sys.executable, "-c", child]
        return subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    engine = opensmile_engine._Engine()
    samples = music(2.0, rate_hz=RATE_HZ)
    with monkeypatch.context() as patched:
        patched.setattr(opensmile_engine, "_start", start)
        patched.setattr(opensmile_engine, "_START_S", 0.0)
        with pytest.raises(DataError, match=message) as caught:
            engine.run("statistics", samples, rate_hz=RATE_HZ)
    assert caught.value.kind is kind
    # The next track has a new process.
    assert engine.run("statistics", samples, rate_hz=RATE_HZ).shape == (2, 260)


@pytest.mark.usefixtures("opensmile")
def test_tensorflow_in_the_same_process_does_no_harm() -> None:
    samples = music(20.0, rate_hz=RATE_HZ)
    before = compare_lld(samples, rate_hz=RATE_HZ)
    start_tensorflow(threads=1)
    np.testing.assert_array_equal(compare_lld(samples, rate_hz=RATE_HZ), before)
