"""`make bench-scale`: the main job on many short tracks, watched from outside, and what Beam adds to it."""
