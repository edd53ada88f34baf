"""Textures: what is neither melody nor rhythm, such as the sea, rain, a drone or a rising noise."""

from __future__ import annotations

import numpy as np

from pipelines.demo.sound.waves import Signal, Tone, filtered


def drone(tone: Tone) -> Signal:
    """A low fifth whose partials come and go, each in its own time."""
    times_s = tone.axis_s(0.0)
    sound = np.zeros(len(times_s))
    for number, ratio in enumerate((1.0, 1.4983, 2.0, 2.9966, 4.0, 5.04), start=1):
        breath = 0.6 + 0.4 * np.sin(2 * np.pi * times_s / (5.0 + 2.3 * number) + number)
        sound += breath / number * np.sin(2 * np.pi * ratio * tone.pitch_hz * times_s)
    return sound * slow_edges(times_s, edge_s=2.5)


def sea(tone: Tone) -> Signal:
    """Waves on a shore: dark noise in a slow swell, with a brighter crest on top."""
    times_s = tone.axis_s(0.0)
    noise = tone.noise(len(times_s))
    swell = (0.5 - 0.5 * np.cos(2 * np.pi * times_s / 7.3)) ** 2
    dark = filtered(noise, "lowpass", 500.0, rate_hz=tone.rate_hz)
    crest = filtered(noise, "bandpass", 900.0, 4000.0, rate_hz=tone.rate_hz)
    return (dark * (0.3 + 0.7 * swell) + 0.5 * crest * swell**2) * slow_edges(times_s, edge_s=2.0)


def rain(tone: Tone) -> Signal:
    """Steady noise and separate drops."""
    times_s = tone.axis_s(0.0)
    noise = tone.noise(len(times_s))
    drops = np.where(np.abs(noise) > 3.4, noise, 0.0)
    hiss = filtered(noise, "bandpass", 1500.0, 6000.0, rate_hz=tone.rate_hz)
    splash = filtered(drops, "bandpass", 1800.0, 5000.0, rate_hz=tone.rate_hz)
    return (0.25 * hiss + splash) * slow_edges(times_s, edge_s=2.0)


def crackle(tone: Tone) -> Signal:
    """An old record: hum, hiss and sparse clicks."""
    times_s = tone.axis_s(0.0)
    noise = tone.noise(len(times_s))
    clicks = filtered(np.where(np.abs(noise) > 4.2, noise, 0.0), "lowpass", 4000.0, rate_hz=tone.rate_hz)
    hiss = filtered(noise, "bandpass", 800.0, 5000.0, rate_hz=tone.rate_hz)
    hum = 0.03 * np.sin(2 * np.pi * 50.0 * times_s)
    return (3.0 * clicks + 0.05 * hiss + hum) * slow_edges(times_s, edge_s=0.5)


def rising_noise(tone: Tone) -> Signal:
    """A band of noise that climbs from 300 Hz to 6 kHz and grows on the way.

    Low-passed noise times a gliding sine is a band around the sine's frequency: no filter has to move.
    """
    times_s = tone.axis_s(0.02)
    way = times_s / times_s[-1]
    log_ratio = np.log(6000.0 / 300.0)
    glide = 300.0 * times_s[-1] / log_ratio * np.exp(log_ratio * way)
    band = filtered(tone.noise(len(times_s)), "lowpass", 350.0, rate_hz=tone.rate_hz)
    sweep: Signal = band * np.sin(2 * np.pi * glide) * way**2 * np.clip((1.0 - way) / 0.01, 0.0, 1.0)
    return sweep


def slow_edges(times_s: Signal, *, edge_s: float) -> Signal:
    """An envelope [samples] that fades in and out over `edge_s`."""
    edges: Signal = np.clip(np.minimum(times_s, times_s[-1] - times_s) / edge_s, 0.0, 1.0)
    return edges
