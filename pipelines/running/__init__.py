"""Running: a job as a pipeline, its attempts, its workers on this machine, and what it says."""
