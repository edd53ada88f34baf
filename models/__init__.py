"""Architectures, bundles, fusion and curves: from features to scores; no Beam and no files of tracks."""
