"""How it sounds: the voices, the drum kit and the mixing desk."""
