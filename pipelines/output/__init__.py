"""What runs have left under an output: reading it as one state, compacting it, comparing two states."""
