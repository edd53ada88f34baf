"""Curves over a part of a track: which steps belong to it, their summary, the command."""
