"""Voices that are struck or plucked, and die away by themselves."""

from __future__ import annotations

import numpy as np

from pipelines.demo.sound.waves import Signal, Tone, decay, filtered, plucked_string, swell


def guitar(tone: Tone) -> Signal:
    """A nylon string that rings a little after it is let go."""
    times_s = tone.axis_s(0.9)
    string = plucked_string(tone, count=len(times_s), t60_s=3.5, damping=0.5)
    body = filtered(string, "lowpass", 3200.0, rate_hz=tone.rate_hz)
    return body * swell(times_s, attack_s=0.002, held_s=tone.held_s + 0.25, release_s=0.7)


def steel_guitar(tone: Tone) -> Signal:
    """A bright steel string."""
    times_s = tone.axis_s(0.6)
    string = plucked_string(tone, count=len(times_s), t60_s=4.0, damping=0.15, nail=0.7)
    body = filtered(string, "bandpass", 110.0, 7500.0, rate_hz=tone.rate_hz)
    return body * swell(times_s, attack_s=0.001, held_s=tone.held_s + 0.15, release_s=0.5)


def piano(tone: Tone) -> Signal:
    """Eleven slightly stretched partials, the higher ones gone sooner, and a felt hammer."""
    times_s = tone.axis_s(0.5)
    sound = np.zeros(len(times_s))
    for number in range(1, 12):
        partial_hz = number * tone.pitch_hz * np.sqrt(1.0 + 0.0004 * number**2)
        if partial_hz > 0.45 * tone.rate_hz:
            break
        strength = np.exp(-0.32 * number) * abs(np.sin(np.pi * number / 8.0))
        t60_s = 7.0 * (220.0 / tone.pitch_hz) ** 0.4 / (1.0 + 0.35 * number)
        sound += strength * decay(times_s, t60_s=t60_s) * np.sin(2 * np.pi * partial_hz * times_s)
    hammer = filtered(tone.noise(len(times_s)), "lowpass", 900.0, rate_hz=tone.rate_hz)
    sound += 0.12 * hammer * decay(times_s, t60_s=0.06)
    return sound * swell(times_s, attack_s=0.004, held_s=tone.held_s, release_s=0.45)


def electric_piano(tone: Tone) -> Signal:
    """Frequency modulation: a mellow body and a short tine, 14 times higher."""
    times_s = tone.axis_s(0.4)
    phase = 2 * np.pi * tone.pitch_hz * times_s
    body = np.sin(phase + 1.3 * decay(times_s, t60_s=1.8) * np.sin(phase))
    tine = np.sin(phase + 0.5 * decay(times_s, t60_s=0.25) * np.sin(14 * phase))
    tremolo = 1.0 + 0.12 * np.sin(2 * np.pi * 4.6 * times_s)
    envelope = decay(times_s, t60_s=4.5) * tremolo
    return (
        (0.7 * body + 0.3 * tine)
        * envelope
        * swell(times_s, attack_s=0.003, held_s=tone.held_s, release_s=0.35)
    )


def bell(tone: Tone) -> Signal:
    """Frequency modulation at a ratio that is no whole number."""
    times_s = tone.axis_s(2.0)
    phase = 2 * np.pi * tone.pitch_hz * times_s
    strike = np.sin(phase + 1.6 * decay(times_s, t60_s=1.4) * np.sin(3.53 * phase))
    hum = np.sin(0.5 * phase) * 0.25
    return (strike + hum) * decay(times_s, t60_s=2.6) * np.clip(times_s / 0.002, 0.0, 1.0)


def music_box(tone: Tone) -> Signal:
    """A tuned comb: three thin partials."""
    times_s = tone.axis_s(1.2)
    phase = 2 * np.pi * tone.pitch_hz * times_s
    comb = np.sin(phase) * decay(times_s, t60_s=1.8) + 0.3 * np.sin(4.0 * phase) * decay(times_s, t60_s=0.5)
    tick = 0.1 * np.sin(9.2 * phase) * decay(times_s, t60_s=0.12)
    return (comb + tick) * np.clip(times_s / 0.002, 0.0, 1.0)


def power_chord(tone: Tone) -> Signal:
    """Root, fifth and octave through one overdriven amplifier; short notes are muted with the palm."""
    is_muted = tone.held_s < 0.13
    times_s = tone.axis_s(0.05 if is_muted else 0.25)
    strings_in = np.zeros(len(times_s))
    for number, ratio in enumerate((1.0, 1.4983, 2.0)):
        string = Tone(tone.pitch_hz * ratio, tone.held_s, tone.rate_hz, tone.seed + number)
        strings_in += plucked_string(
            string, count=len(times_s), t60_s=0.35 if is_muted else 6.0, damping=0.5 if is_muted else 0.2
        )
    driven = np.tanh(3.5 * filtered(strings_in, "highpass", 140.0, rate_hz=tone.rate_hz))
    cabinet = filtered(driven, "bandpass", 90.0, 4800.0, rate_hz=tone.rate_hz)
    presence = filtered(driven, "bandpass", 1200.0, 3800.0, rate_hz=tone.rate_hz)
    return (cabinet + 0.8 * presence) * swell(times_s, attack_s=0.002, held_s=tone.held_s, release_s=0.12)


def finger_bass(tone: Tone) -> Signal:
    """A plucked bass string."""
    times_s = tone.axis_s(0.15)
    string = plucked_string(tone, count=len(times_s), t60_s=3.0, damping=0.5)
    body = filtered(string, "lowpass", 700.0, rate_hz=tone.rate_hz)
    return body * swell(times_s, attack_s=0.003, held_s=tone.held_s, release_s=0.12)
