"""Listening: valence and arousal of sound while it plays, twice a second."""
