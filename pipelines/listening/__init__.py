"""`moodscribe listen`: mood as the music plays, as bars or as lines of JSON."""
