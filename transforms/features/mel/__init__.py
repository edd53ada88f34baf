"""Mel spectrograms: what ears resolve of a spectrum, as frames, steps and patches."""
