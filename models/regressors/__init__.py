"""Regressors: features on the 2 Hz clock to valence and arousal."""
