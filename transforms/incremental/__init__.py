"""Incremental runs: what is listed beside what earlier runs have, and what is taken from them."""
