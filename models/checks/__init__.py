"""What is looked at before a bundle from others is used: its files, its JSON, its arrays and its sizes."""
