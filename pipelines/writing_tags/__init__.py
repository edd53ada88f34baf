"""Moods into the files' own tags: what fields, in which container, safely; see README.md."""
