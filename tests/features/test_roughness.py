"""Peaks, sensory dissonance and roughness: the closed forms, the plain loop, and what level does to them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from schemas.errors import DataError, FailureKind
from tests.real import real_clips
from tests.references.psychoacoustics import reference
from tests.sounds import clicks, music
from transforms.features.descriptors.psychoacoustics import FRONT_END, NAMES, psychoacoustics
from transforms.features.descriptors.roughness import (
    beating,
    critical_scale,
    dissonance_roughness,
    fluctuation,
)
from transforms.features.descriptors.short_frames import (
    BIN_HZ,
    FRAME_SAMPLES,
    amplitude_blocks,
    frame_starts,
)
from transforms.features.descriptors.spectral_peaks import Peaks, spectral_peaks

RATE_HZ = 44_100


def tones(*parts: tuple[float, float], seconds: float = 1.0) -> NDArray[np.float32]:
    """Sinusoids of (Hz, amplitude): [n] float32."""
    time = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    waves = [level * np.sin(2 * np.pi * hz * time) for hz, level in parts]
    samples: NDArray[np.float32] = np.sum(waves, axis=0).astype(np.float32)
    return samples


def at(low_hz: float, apart_hz: float) -> float:
    """Beating of one pair, in double precision."""
    return float(beating(np.array([low_hz]), np.array([apart_hz]))[0])


def formula(low: tuple[float, float], high: tuple[float, float]) -> tuple[float, float]:
    """Dissonance and roughness of two tones of (Hz, amplitude), as Sethares and Vassilakis write it."""
    (f1, v1), (f2, v2) = low, high
    s = 0.24 / (0.0207 * f1 + 18.96)
    b = np.exp(-3.51 * s * (f2 - f1)) - np.exp(-5.75 * s * (f2 - f1))
    return v1 * v2 * b, (v1 * v2) ** 0.1 * 0.5 * (2 * min(v1, v2) / (v1 + v2)) ** 3.11 * b


def contrasts(spectrum: NDArray[np.float32]) -> dict[int, float]:
    """Contrast of every strict local maximum, looked up value by value."""
    found = {}
    for place in range(1, len(spectrum) - 1):
        if spectrum[place - 1] < spectrum[place] > spectrum[place + 1]:
            falls = []
            for side in (spectrum[:place][::-1], spectrum[place + 1 :]):
                higher = np.flatnonzero(side > spectrum[place])
                falls.append(spectrum[place] - side[: higher[0] if len(higher) else None].min())
            found[place] = float(min(falls))
    return found


@pytest.mark.parametrize("contrast", [0.01, 0.2])
def test_peaks_are_the_local_maxima_that_have_the_contrast_in_any_spectra(contrast: float) -> None:
    rng = np.random.default_rng(5)
    spectra = rng.random((40, 30), np.float32) ** rng.integers(1, 9, (40, 1))
    found = spectral_peaks(spectra, bin_hz=1.0, contrast=contrast)
    for frame, spectrum in enumerate(spectra):
        least = contrast * spectrum.max()
        expected = [place for place, value in contrasts(spectrum).items() if value >= least]
        places = found.hz[found.frame == frame]
        # The parabola moves a peak by half a bin at most.
        np.testing.assert_allclose(places, expected, atol=0.5)


def test_a_flat_top_is_one_peak_and_a_step_is_none() -> None:
    spectra = np.array([[0, 1, 1, 0, 0, 0], [0, 1, 1, 2, 3, 3], [1, 1, 1, 1, 1, 1], [0, 0, 0, 0, 0, 0]])
    found = spectral_peaks(spectra.astype(np.float32), bin_hz=1.0)
    assert found.frame.tolist() == [0]


@pytest.mark.parametrize("hz", [150.0, 440.0, 1234.5, 5000.0, 15_000.0])
def test_the_peak_of_a_tone_has_its_frequency_and_its_amplitude(hz: float) -> None:
    (first, *_) = amplitude_blocks(tones((hz, 0.3)))
    found = spectral_peaks(first, bin_hz=BIN_HZ)
    assert found.frame.tolist() == list(range(len(first)))
    # A bin is 10.8 Hz wide; the mirror image below 0 Hz moves the peak of a low tone a little.
    np.testing.assert_allclose(found.hz, hz, atol=0.3 if hz < 200 else 0.1)
    np.testing.assert_allclose(found.amplitude, 0.3, rtol=0.005)


def test_peaks_are_essentias() -> None:
    reason = "Essentia (AGPL, the `essentia` extra) is not installed: its peaks are not compared"
    essentia = pytest.importorskip("essentia", reason=reason)
    essentia.log.infoActive = False
    from essentia.standard import SpectralPeaks

    theirs = SpectralPeaks(
        maxPeaks=2000, maxFrequency=RATE_HZ / 2, minFrequency=0, orderBy="frequency", sampleRate=RATE_HZ
    )
    (spectra, *_) = amplitude_blocks(music(1.0, rate_hz=RATE_HZ))
    ours = spectral_peaks(spectra, bin_hz=BIN_HZ)
    assert len(ours.hz) > 300
    for frame, spectrum in enumerate(spectra):
        their_hz, their_amplitudes = theirs(spectrum)
        for hz, amplitude in zip(
            ours.hz[ours.frame == frame], ours.amplitude[ours.frame == frame], strict=True
        ):
            near = int(np.abs(their_hz - hz).argmin())
            # Essentia lays its parabola through the amplitudes, not through their logarithms.
            assert abs(their_hz[near] - hz) < 0.2 * BIN_HZ
            assert their_amplitudes[near] == pytest.approx(
                amplitude, rel=0.02, abs=0.005 * float(spectrum.max())
            )


def test_unison_does_not_beat_and_far_tones_hardly_do() -> None:
    assert at(440.0, 0.0) == 0.0
    assert at(440.0, 440.0) < 0.01 * at(440.0, 0.22 / 0.24 * (0.0207 * 440 + 18.96))
    assert at(440.0, 20_000.0) < 1e-12


@pytest.mark.parametrize("low_hz", [200.0, 440.0, 1000.0, 2000.0])
def test_beating_is_greatest_near_a_quarter_of_the_critical_band(low_hz: float) -> None:
    apart = np.linspace(1.0, 400.0, 100_001)
    worst = apart[beating(np.full_like(apart, low_hz), apart).argmax()]
    scale = float(critical_scale(np.array([low_hz]))[0])
    # The derivative is nought at ln(5.75 / 3.51) / (5.75 - 3.51).
    assert worst == pytest.approx(np.log(5.75 / 3.51) / 2.24 / scale, abs=0.01)
    band = 25 + 75 * (1 + 1.4 * (low_hz / 1000) ** 2) ** 0.69  # Zwicker and Terhardt (1980)
    assert 0.12 < worst / band < 0.35
    assert at(low_hz, float(worst)) == pytest.approx(0.17968, abs=1e-4)


@pytest.mark.parametrize(
    ("low", "high"),
    [
        ((440.0, 0.3), (494.0, 0.3)),
        ((440.0, 0.3), (523.0, 0.1)),
        ((220.0, 0.05), (275.0, 0.4)),
        ((2000.0, 0.2), (2150.0, 0.2)),
    ],
)
def test_two_tones_give_what_the_formulas_say(low: tuple[float, float], high: tuple[float, float]) -> None:
    pair = [np.array([value]) for value in (low[1], high[1])]
    beats = at(low[0], high[0] - low[0])
    exact = (low[1] * high[1] * beats, float(fluctuation(*pair)[0]) * beats)
    assert exact == pytest.approx(formula(low, high), rel=1e-12)
    (row,) = psychoacoustics(tones(low, high), rate_hz=RATE_HZ)
    # Through window and peaks: side lobes of one tone move the other's peak a little.
    assert row[:2] == pytest.approx(formula(low, high), rel=0.02)


@pytest.mark.parametrize("hz", [30.0, 41.0, 82.4, 110.0, 200.0])
def test_the_side_lobes_of_a_low_tone_are_hardly_rough(hz: float) -> None:
    (alone,) = psychoacoustics(tones((hz, 0.3)), rate_hz=RATE_HZ)
    (semitone,) = psychoacoustics(tones((440.0, 0.3), (466.2, 0.3)), rate_hz=RATE_HZ)
    assert (alone[:2] < 0.1 * semitone[:2]).all()


def test_one_tone_has_neither_and_an_octave_has_little() -> None:
    (alone,) = psychoacoustics(tones((440.0, 0.3)), rate_hz=RATE_HZ)
    (octave,) = psychoacoustics(tones((440.0, 0.3), (880.0, 0.3)), rate_hz=RATE_HZ)
    (second,) = psychoacoustics(tones((440.0, 0.3), (494.0, 0.3)), rate_hz=RATE_HZ)
    assert alone.tolist() == [0.0, 0.0, 0.0, 0.0]
    assert (octave[:2] < 0.02 * second[:2]).all()


def test_sums_are_over_all_pairs_of_a_frame_and_none_between_frames() -> None:
    rng = np.random.default_rng(8)
    sizes = [0, 1, 2, 300, 40, 0, 700, 0]
    frame = np.repeat(np.arange(len(sizes)), sizes)
    hz = np.concatenate([np.sort(rng.uniform(40, 20_000, size)) for size in sizes]).astype(np.float32)
    amplitude = rng.random(len(hz), np.float32) ** 3 + np.float32(1e-4)
    found = dissonance_roughness(Peaks(frame, hz, amplitude), frames=len(sizes))
    for index in range(len(sizes)):
        own = np.flatnonzero(frame == index)
        pairs = [(i, j) for i in own for j in own if i < j]
        parts = [
            formula((float(hz[i]), float(amplitude[i])), (float(hz[j]), float(amplitude[j])))
            for i, j in pairs
        ]
        expected = np.sum(parts, axis=0) if parts else [0.0, 0.0]
        np.testing.assert_allclose(found[index], expected, rtol=2e-5, atol=1e-8)


def test_dissonance_goes_with_the_square_of_the_gain_and_roughness_with_its_fifth_root() -> None:
    samples = music(4.0, rate_hz=RATE_HZ)
    loud, quiet = (psychoacoustics(samples * np.float32(gain), rate_hz=RATE_HZ) for gain in (1.0, 0.125))
    np.testing.assert_allclose(quiet[:, 0], loud[:, 0] * 0.125**2, rtol=1e-5)
    np.testing.assert_allclose(quiet[:, 1], loud[:, 1] * 0.125**0.2, rtol=1e-5)
    np.testing.assert_allclose(quiet[:, 2:], loud[:, 2:], rtol=1e-5)


def test_tones_far_below_what_is_audible_give_no_warning_and_finite_numbers() -> None:
    with np.errstate(all="raise", under="ignore"):
        (row,) = psychoacoustics(tones((440.0, 1e-22), (494.0, 1e-22)), rate_hz=RATE_HZ)
    assert np.isfinite(row).all()
    assert row[1] == pytest.approx(formula((440.0, 1e-22), (494.0, 1e-22))[1], rel=0.05)


def composed() -> dict[str, NDArray[np.float32]]:
    """Tones, noise and clicks in several mixtures."""
    noise = np.random.default_rng(0).normal(0, 0.1, RATE_HZ).astype(np.float32)
    ground, beat = music(7.3, rate_hz=RATE_HZ), clicks(7.3, every_s=0.41, rate_hz=RATE_HZ)
    return {"music": ground, "music with clicks": ground + beat, "clicks": beat, "noise": noise}


@pytest.mark.parametrize("name", composed())
def test_values_of_composed_sounds_are_the_plain_loops(name: str) -> None:
    agree(composed()[name])


def test_values_of_real_clips_are_the_plain_loops(shared_data: Path) -> None:
    for clip in real_clips(shared_data, 3, rate_hz=RATE_HZ):
        agree(clip[: 10 * RATE_HZ])


def agree(samples: NDArray[np.float32]) -> None:
    found, expected = psychoacoustics(samples, rate_hz=RATE_HZ), reference(samples, rate_hz=RATE_HZ)
    assert found.dtype == np.float32
    assert found.shape == expected.shape
    # A peak whose contrast is just .01 is found in one precision and not in the other.
    np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=1e-3, atol=1e-9)
    assert np.median(np.abs(found[:, :2] / np.maximum(expected[:, :2], 1e-12) - 1)) < 5e-6
    np.testing.assert_allclose(found[:, 2:], expected[:, 2:], rtol=1e-5)


# New numbers need a new version of `psychoacoustics`, and of `compare-lld` for its fs2.
GOLDEN = {
    "music": {
        (0, 0): 5.885215e-06,
        (7, 0): 3.263618e-06,
        (18, 0): 1.423746e-05,
        (0, 1): 4.974445e-07,
        (9, 1): 0.001699052,
        (18, 1): 0.04612285,
        (9, 2): 0.0,
        (9, 3): 0.0,
    },
    "music with clicks": {
        (0, 0): 3.088095e-05,
        (7, 0): 2.640356e-05,
        (9, 1): 0.1626759,
        (18, 1): 0.3492658,
        (0, 2): 146.2265,
        (9, 2): 146.2956,
        (18, 2): 146.4757,
        (0, 3): 2.333333,
        (9, 3): 2.40481,
        (18, 3): 2.409639,
    },
}


@pytest.mark.parametrize("name", GOLDEN)
def test_the_front_end_gives_the_numbers_pinned_for_its_version(name: str) -> None:
    assert FRONT_END.key == "psychoacoustics@1"
    samples = music(10.0, rate_hz=RATE_HZ)
    if name == "music with clicks":
        samples = samples + clicks(10.0, every_s=0.41, rate_hz=RATE_HZ)
    found = psychoacoustics(samples, rate_hz=RATE_HZ)
    assert found.shape == (19, 4)
    for place, value in GOLDEN[name].items():
        assert found[place] == pytest.approx(value, rel=1e-4), place


def test_frames_begin_at_the_nearest_sample_of_their_exact_time_and_end_inside_the_track() -> None:
    for total in (
        0,
        FRAME_SAMPLES - 1,
        FRAME_SAMPLES,
        FRAME_SAMPLES + 219,
        FRAME_SAMPLES + 220,
        3_600 * RATE_HZ,
    ):
        starts = frame_starts(total)
        expected = [k for k in (len(starts) - 1, len(starts)) if round(k * 220.5) + FRAME_SAMPLES <= total]
        assert max(expected, default=-1) == len(starts) - 1
    assert frame_starts(3_600 * RATE_HZ)[[1, 2, 3, 700_000]].tolist() == [220, 441, 662, 154_350_000]


@pytest.mark.parametrize(("total", "rows"), [(44_100, 1), (66_149, 1), (66_150, 2), (441_000, 19)])
def test_there_is_one_row_for_each_whole_second_every_half(total: int, rows: int) -> None:
    assert psychoacoustics(music(10.0, rate_hz=RATE_HZ)[:total], rate_hz=RATE_HZ).shape == (rows, 4)


def test_a_row_is_of_its_own_second_only() -> None:
    quiet, loud = tones((440.0, 0.1), seconds=2.0), tones((440.0, 0.3), (494.0, 0.3), seconds=2.0)
    found = psychoacoustics(np.concatenate([quiet, loud]), rate_hz=RATE_HZ)
    assert (found[:3, 0] == 0).all()
    np.testing.assert_allclose(found[4:, 0], found[-1, 0], rtol=0.02)


@pytest.mark.parametrize(
    ("samples", "rate_hz", "message"),
    [
        (np.zeros(44_099, np.float32), RATE_HZ, r"44099 samples \(1.000 s\); at least 44100 \(1.000 s\)"),
        (np.zeros(88_200, np.float32), 48_000, "rate_hz is 48000; this front end takes 44100"),
        (np.zeros(88_200), RATE_HZ, r"samples must be float32 \[n\], not float64 \[88200\]"),
        (np.full(88_200, np.nan, np.float32), RATE_HZ, "sample 0 is not finite"),
        (np.zeros(0, np.float32), RATE_HZ, "samples are empty"),
    ],
)
def test_what_it_cannot_take_is_refused_with_its_value(
    samples: NDArray[np.float32], rate_hz: int, message: str
) -> None:
    with pytest.raises(DataError, match=message) as caught:
        psychoacoustics(samples, rate_hz=rate_hz)
    assert caught.value.kind in (FailureKind.TOO_SHORT, FailureKind.BAD_INPUT)


def test_the_front_end_names_its_four_values() -> None:
    layout = FRONT_END.layout(None)
    assert (layout.names, layout.step_s, layout.row_shape) == (NAMES, 0.5, (4,))
    samples = music(1.5, rate_hz=RATE_HZ)
    found = FRONT_END.start(None)(samples, rate_hz=RATE_HZ)
    np.testing.assert_array_equal(found, psychoacoustics(samples, rate_hz=RATE_HZ))
