"""Training of the five systems from tables of features."""
