"""The current tables as a search index: `moodscribe index`."""
