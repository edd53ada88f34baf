"""`moodscribe report`: what a run has done and how the catalogue stands after it, as one page."""
