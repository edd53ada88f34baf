"""Harmonic and percussive parts of music, their pitch classes, energy and tempo."""
