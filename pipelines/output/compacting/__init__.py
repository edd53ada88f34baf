"""`moodscribe compact`: all committed runs as one current table per kind."""
