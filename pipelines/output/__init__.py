"""What runs have left under an output: reading, exporting, compacting, comparing two states."""
