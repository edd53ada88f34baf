"""Search documents of tracks, and the ways to bring them to an index."""
