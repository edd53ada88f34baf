"""`moodscribe evaluate`: tags, curves, static ratings and antonym pairs against labels."""
