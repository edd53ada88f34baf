"""Voices that are blown, bowed or held, and last as long as the note."""

from __future__ import annotations

import numpy as np

from pipelines.demo.sound.waves import Signal, Tone, cycles, decay, filtered, saw_partials, swell, wave


def pad(tone: Tone) -> Signal:
    """Three detuned sawtooths behind a dark filter that opens slowly."""
    times_s = tone.axis_s(1.2)
    dark = saw_partials(tone.pitch_hz, cutoff_hz=350.0, rate_hz=tone.rate_hz)
    light = saw_partials(tone.pitch_hz, cutoff_hz=1400.0, rate_hz=tone.rate_hz)
    opening = 0.5 - 0.5 * np.cos(np.pi * np.clip(times_s / 2.0, 0.0, 1.0))
    sound = np.zeros(len(times_s))
    for number, detune in enumerate((0.9965, 1.0, 1.0041)):
        phase = cycles(detune * tone.pitch_hz, times_s, start=0.37 * number)
        closed = wave(dark, phase)
        sound += closed + 0.6 * opening * (wave(light, phase) - closed)
    return sound * swell(times_s, attack_s=0.55, held_s=tone.held_s, release_s=1.2)


def strings(tone: Tone) -> Signal:
    """A section of three bowed strings: vibrato, rosin noise, a soft start when there is time for one."""
    times_s = tone.axis_s(0.5)
    partials = saw_partials(tone.pitch_hz, cutoff_hz=2600.0, rate_hz=tone.rate_hz)
    sound = np.zeros(len(times_s))
    for number, detune in enumerate((0.9972, 1.0, 1.0033)):
        depth = 0.004 + 0.001 * number
        sound += wave(partials, cycles(detune * tone.pitch_hz, times_s, vibrato=depth, start=0.29 * number))
    rosin = filtered(tone.noise(len(times_s)), "bandpass", 1500.0, 5000.0, rate_hz=tone.rate_hz)
    attack_s = min(0.22, 0.5 * tone.held_s)
    release_s = min(0.5, 0.1 + tone.held_s)  # a tremolo must not smear
    envelope = swell(times_s, attack_s=attack_s, held_s=tone.held_s, release_s=release_s)
    return (sound + 0.05 * rosin) * envelope


def brass(tone: Tone) -> Signal:
    """Two sawtooths that turn brighter as the breath comes, with a short scoop up to the note."""
    times_s = tone.axis_s(0.15)
    dark = saw_partials(tone.pitch_hz, cutoff_hz=700.0, rate_hz=tone.rate_hz)
    light = saw_partials(tone.pitch_hz, cutoff_hz=4200.0, rate_hz=tone.rate_hz)
    breath = np.clip(times_s / 0.06, 0.0, 1.0) * (0.55 + 0.45 * decay(times_s, t60_s=0.9))
    sound = np.zeros(len(times_s))
    for detune in (0.9985, 1.0017):
        # The integral of a pitch that starts 3 % low and is there after some 20 ms.
        scoop = 0.03 * tone.pitch_hz * 0.02 * np.exp(-times_s / 0.02)
        phase = cycles(detune * tone.pitch_hz, times_s, vibrato=0.003) + scoop
        closed = wave(dark, phase)
        sound += closed + breath * (wave(light, phase) - closed)
    return sound * swell(times_s, attack_s=0.035, held_s=tone.held_s, release_s=0.15)


def reed(tone: Tone) -> Signal:
    """An accordion: two pulse-like reeds a few cents apart."""
    times_s = tone.axis_s(0.1)
    partials = saw_partials(tone.pitch_hz, cutoff_hz=3000.0, rate_hz=tone.rate_hz)
    partials[1::2] *= 0.45
    sound = wave(partials, cycles(tone.pitch_hz, times_s)) + wave(
        partials, cycles(1.006 * tone.pitch_hz, times_s)
    )
    return sound * swell(times_s, attack_s=0.03, held_s=tone.held_s, release_s=0.1)


def flute(tone: Tone) -> Signal:
    """A few partials, vibrato, and breath around the pitch."""
    times_s = tone.axis_s(0.2)
    tube = wave(np.array([1.0, 0.35, 0.12, 0.04]), cycles(tone.pitch_hz, times_s, vibrato=0.006))
    low_hz, high_hz = 0.8 * tone.pitch_hz, 2.5 * tone.pitch_hz
    breath = filtered(tone.noise(len(times_s)), "bandpass", low_hz, high_hz, rate_hz=tone.rate_hz)
    envelope = swell(times_s, attack_s=min(0.09, 0.5 * tone.held_s), held_s=tone.held_s, release_s=0.2)
    return (tube + 0.07 * breath) * envelope


def square_lead(tone: Tone) -> Signal:
    """A video-game square wave with a filter that closes after the start."""
    times_s = tone.axis_s(0.08)
    light = saw_partials(tone.pitch_hz, cutoff_hz=6000.0, rate_hz=tone.rate_hz)
    dark = saw_partials(tone.pitch_hz, cutoff_hz=1500.0, rate_hz=tone.rate_hz)
    light[1::2] = dark[1::2] = 0.0
    phase = cycles(tone.pitch_hz, times_s, vibrato=0.004)
    closed = wave(dark, phase)
    sound = closed + decay(times_s, t60_s=0.8) * (wave(light, phase) - closed)
    return sound * swell(times_s, attack_s=0.004, held_s=tone.held_s, release_s=0.08)


def fuzz_lead(tone: Tone) -> Signal:
    """One distorted string, sustained."""
    times_s = tone.axis_s(0.12)
    partials = saw_partials(tone.pitch_hz, cutoff_hz=2500.0, rate_hz=tone.rate_hz)
    string = wave(partials, cycles(tone.pitch_hz, times_s, vibrato=0.009))
    sound = filtered(np.tanh(4.0 * string), "bandpass", 200.0, 5200.0, rate_hz=tone.rate_hz)
    return sound * swell(times_s, attack_s=0.008, held_s=tone.held_s, release_s=0.12)


def sub_bass(tone: Tone) -> Signal:
    """Almost a sine."""
    times_s = tone.axis_s(0.3)
    sound = wave(np.array([1.0, 0.25, 0.08]), cycles(tone.pitch_hz, times_s))
    return sound * swell(times_s, attack_s=0.04, held_s=tone.held_s, release_s=0.3)


def synth_bass(tone: Tone) -> Signal:
    """A sawtooth whose filter snaps shut, slightly driven."""
    times_s = tone.axis_s(0.06)
    light = saw_partials(tone.pitch_hz, cutoff_hz=1800.0, rate_hz=tone.rate_hz)
    dark = saw_partials(tone.pitch_hz, cutoff_hz=250.0, rate_hz=tone.rate_hz)
    phase = cycles(tone.pitch_hz, times_s)
    closed = wave(dark, phase)
    sound = np.tanh(1.5 * (closed + decay(times_s, t60_s=0.35) * (wave(light, phase) - closed)))
    return sound * swell(times_s, attack_s=0.003, held_s=tone.held_s, release_s=0.06)
