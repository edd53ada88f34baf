"""Training jobs: from the research sets to a bundle, stage by stage, each of which resumes."""
