"""Evaluation by the official protocols: tags, curves, static ratings and antonym pairs."""
