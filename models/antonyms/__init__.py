"""Antonyms: features of a segment to the shares of the two poles of a pair of moods."""
