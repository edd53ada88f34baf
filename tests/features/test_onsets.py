"""Tempo and event density: click tracks of known tempo, sounds without events, the ends of a track."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.real import real_clips
from tests.sounds import clicks, music
from transforms.features.descriptors.onsets import band_envelopes, onset_curve
from transforms.features.descriptors.psychoacoustics import psychoacoustics
from transforms.features.descriptors.short_frames import amplitude_blocks
from transforms.features.descriptors.tempo import preference, weighted_autocorrelation

RATE_HZ = 44_100


def tempo_and_density(samples: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Beats per minute and events per second of every row."""
    rows = psychoacoustics(samples, rate_hz=RATE_HZ)
    return rows[:, 2], rows[:, 3]


@pytest.mark.parametrize(
    ("bpm", "given"),
    [(45, 45), (60, 60), (75, 75), (90, 90), (120, 120), (150, 150), (165, 165), (180, 90), (200, 100)],
)
def test_the_tempo_of_clicks_is_theirs_or_the_octave_that_listeners_prefer(bpm: int, given: int) -> None:
    found, _ = tempo_and_density(clicks(12.0, every_s=60 / bpm, rate_hz=RATE_HZ))
    np.testing.assert_allclose(found, given, rtol=0.005)


def test_the_weight_alone_decides_between_octaves() -> None:
    # Half and double of a period are as good where they lie evenly around .5 s: at 170 beats a minute.
    assert preference(np.array([0.5, 1.0, 0.25, 2.0, 8.0])).tolist() == [1.0, 0.75, 0.75, 0.0, 0.0]
    even = 0.5 / np.sqrt(2)
    assert preference(np.array([even]))[0] == pytest.approx(preference(np.array([2 * even]))[0])
    rises = np.tile(np.eye(1, 60)[0], 10)[None, :]
    curve = weighted_autocorrelation(rises, longest=300)[0]
    weights = preference(np.array([0.3, 0.6, 0.9, 1.2, 1.5]))
    np.testing.assert_allclose(curve[[60, 120, 180, 240, 300]], weights, rtol=1e-9)


def test_tempo_follows_a_change_within_a_frame_of_three_seconds() -> None:
    parts = [clicks(9.0, every_s=60 / bpm, rate_hz=RATE_HZ) for bpm in (80, 130)]
    found, _ = tempo_and_density(np.concatenate(parts))
    # Row k has its middle at (k + 1) / 2 s, and its frame ends 1.5 s later.
    np.testing.assert_allclose(found[:13], 80, rtol=0.02)
    np.testing.assert_allclose(found[21:], 130, rtol=0.02)


@pytest.mark.parametrize("every_s", [1.0, 0.5, 0.25, 0.2, 0.1])
def test_event_density_is_the_number_of_clicks_per_second(every_s: float) -> None:
    samples = clicks(22.0, every_s=every_s, rate_hz=RATE_HZ)
    _, found = tempo_and_density(samples)
    # Whole frames of 10 s; the ends are cut, and the start of the track is no event.
    np.testing.assert_allclose(found[10:32], 1 / every_s, rtol=0.05)
    assert np.abs(found - 1 / every_s).max() < 0.21


def test_density_follows_the_frame_of_ten_seconds_around_the_row() -> None:
    samples = np.concatenate([clicks(20.0, every_s=s, rate_hz=RATE_HZ) for s in (1.0, 0.2)])
    _, found = tempo_and_density(samples)
    assert found[38] == pytest.approx(3.0, abs=0.2)  # half of each around 20 s
    assert (np.diff(found[28:50]) >= 0).all()


def test_notes_that_follow_each_other_without_a_gap_are_one_event_each() -> None:
    time = np.arange(RATE_HZ // 4) / RATE_HZ
    notes = [np.sin(2 * np.pi * hz * time) * np.minimum(1, time / 0.01) for hz in (220, 277, 330, 392)]
    _, found = tempo_and_density((0.3 * np.tile(np.concatenate(notes), 12)).astype(np.float32))
    np.testing.assert_allclose(found[8:-8], 4.0, rtol=0.05)


def still() -> dict[str, NDArray[np.float32]]:
    """Sounds in which nothing begins."""
    count = 5 * RATE_HZ
    time = np.arange(count) / RATE_HZ
    return {
        "silence": np.zeros(count, np.float32),
        "constant": np.full(count, 0.5, np.float32),
        "a low tone": (0.3 * np.sin(2 * np.pi * 110 * time)).astype(np.float32),
        "a tone": (0.3 * np.sin(2 * np.pi * 440 * time)).astype(np.float32),
        "a square wave beyond full scale": np.where(np.arange(count) % 80 < 40, 8, -8).astype(np.float32),
        "a slow swell": music(5.0, rate_hz=RATE_HZ),
    }


@pytest.mark.parametrize("name", still())
def test_a_sound_in_which_nothing_begins_has_no_tempo_and_no_events(name: str) -> None:
    rows = psychoacoustics(still()[name], rate_hz=RATE_HZ)
    assert np.isfinite(rows).all()
    assert not rows[:, 2:].any()


def test_noise_has_hardly_an_event() -> None:
    noise = np.random.default_rng(2).normal(0, 0.2, 3 * RATE_HZ).astype(np.float32)
    rows = psychoacoustics(noise, rate_hz=RATE_HZ)
    assert np.isfinite(rows).all()
    assert rows[:, 3].max() < 1.0


def test_silence_has_only_zeros() -> None:
    assert not psychoacoustics(np.zeros(2 * RATE_HZ, np.float32), rate_hz=RATE_HZ).any()


def test_one_click_is_one_event_and_no_tempo() -> None:
    samples = np.zeros(30 * RATE_HZ, np.float32)
    samples[15 * RATE_HZ] = 1.0
    rows = psychoacoustics(samples, rate_hz=RATE_HZ)
    assert np.isfinite(rows).all()
    # The frames of 10 s around the seconds 11 to 20 have it.
    np.testing.assert_allclose(rows[20:40, 3], 0.1)
    assert not rows[:20, 3].any()
    assert not rows[40:, 3].any()
    assert not rows[:, 2].any()


@pytest.mark.parametrize("seconds", [1.0, 1.3, 2.0, 2.99, 3.0, 3.01, 9.99, 10.5])
def test_a_track_shorter_than_the_frames_has_values_from_what_there_is(seconds: float) -> None:
    tempo, density = tempo_and_density(clicks(seconds + 0.1, every_s=0.4, rate_hz=RATE_HZ)[RATE_HZ // 10 :])
    np.testing.assert_allclose(tempo, 150, rtol=0.01)
    # Of the events at .3, .7, 1.1 s and so on, over the length there is.
    assert (np.abs(density - 2.5) <= 1.2 / min(seconds, 5.0)).all()


def test_the_start_of_a_track_is_no_event() -> None:
    envelopes = np.ones((100, 10), np.float32)
    assert not onset_curve(envelopes).rise.any()
    curve = onset_curve(np.concatenate([np.zeros((50, 10), np.float32), envelopes]))
    # Frame 50 has its middle 5 steps after its start, and differs from all the ten before it.
    assert np.flatnonzero(curve.rise).tolist() == list(range(55, 65))
    assert curve.rise.max() == 10.0


def test_every_bin_from_50_hz_on_is_in_one_band() -> None:
    (spectra, *_) = amplitude_blocks(music(1.0, rate_hz=RATE_HZ))
    power = np.square(band_envelopes(spectra)).sum(axis=1)
    # 50 Hz is bin 4.6; the last bin, half the rate, is above the bands.
    np.testing.assert_allclose(power, np.square(spectra[:, 5:-1]).sum(axis=1), rtol=1e-4)


def test_events_are_about_as_many_as_essentias_onsets(shared_data: Path) -> None:
    reason = "Essentia (AGPL, the `essentia` extra) is not installed: its onsets are not compared"
    essentia = pytest.importorskip("essentia", reason=reason)
    essentia.log.infoActive = False
    from essentia.standard import OnsetRate

    ours, theirs = [], []
    for clip in real_clips(shared_data, 6, rate_hz=RATE_HZ):
        ours.append(float(tempo_and_density(clip)[1].mean()))
        theirs.append(float(OnsetRate()(clip)[1]))
    # Other curves, other thresholds: no more than a like number can be asked.
    assert 0.6 < np.mean(ours) / np.mean(theirs) < 1.7
    assert all(0.4 < mine / other < 2.5 for mine, other in zip(ours, theirs, strict=True))
