"""Reading what is evaluated: score arrays, labels, thresholds, and tables of valence and arousal."""
