"""What runs have left under an output: reading it as one state, exporting, compacting, comparing two states."""
