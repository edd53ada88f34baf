"""Encoders: nets that see the rows of a front end once, for the heads that share what they learnt."""
