"""Tests of pages in a browser: what they say, what they load, how long they take."""
