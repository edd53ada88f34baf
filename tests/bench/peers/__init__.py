"""What somebody would write today, one file after another; each module's `start` loads it."""
