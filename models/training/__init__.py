"""Training: teachers, targets, fitting, calibration and the writing of bundles."""
