"""The teacher: YAMNet, heads on its embeddings, and the labels of MTG-Jamendo that they are fitted to."""
