"""Taggers: features of a chunk to the scores of the tags."""
