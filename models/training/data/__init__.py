"""Labelled data sets of music emotion: one common form, a loader for each set, splits by group."""
