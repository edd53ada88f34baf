"""`make bench`: the default bundle and the nine published models beside their peers, in one run."""
