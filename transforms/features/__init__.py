"""Front ends: mono samples to the input of a model, each with a name and a version."""
