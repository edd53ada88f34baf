"""Regressors: features of a track to valence and arousal at 2 Hz."""
