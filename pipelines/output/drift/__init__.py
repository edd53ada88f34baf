"""`moodscribe diff`: what has changed in a catalogue from one run to another."""
