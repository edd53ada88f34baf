"""Inputs: a folder, a glob or a manifest to tracks, and the bytes of each."""
