"""What is played: scales, patterns and melodies, down to a list of notes."""
