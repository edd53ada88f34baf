"""Spectrogram images: pictures of chunks, and what image nets see in them."""
