"""Tagging: features of many tracks through the models in full batches, and back to rows of each."""
