"""Whole jobs, the command line, and the reading of what they wrote."""
