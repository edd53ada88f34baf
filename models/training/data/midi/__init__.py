"""Standard MIDI files: when their bars are, and how they become sound."""
