"""Measures of tags: ranking, thresholds, decisions, calibration, intervals; pure functions of arrays."""
