"""What is said of a bundle: figures on held-out clips, pictures and the model card."""
