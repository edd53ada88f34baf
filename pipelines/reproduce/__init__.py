"""The reproduction of the papers' figures from the data at hand: resumable stages and one page."""
