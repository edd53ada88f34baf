"""Servers that tests start, from packages that `make servers` fetches."""
