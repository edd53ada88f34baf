"""The way of a track: list, read, decode, front end, tag, write; pure functions first, PTransforms after."""
