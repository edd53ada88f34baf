"""Image nets trained on ImageNet, which turn images of sound into values: their graphs, weights and homes."""
