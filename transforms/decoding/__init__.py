"""Decoding: any audio file to mono samples, in a process that may die."""
