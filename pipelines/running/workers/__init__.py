"""Worker processes of a run on this machine: how they start, that none outlives the run, what if one dies."""
