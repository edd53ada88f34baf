"""`moodscribe show`: one track on the terminal, or as a page with its player."""
