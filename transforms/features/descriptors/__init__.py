"""Low-level descriptors: named properties of short frames, and their statistics."""
