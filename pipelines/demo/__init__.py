"""The demo: a mini-catalogue of short pieces that the project composes itself."""
