"""Tests of `moodscribe index`."""
