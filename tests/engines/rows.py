"""What is tagged on every engine, and where the local runner writes what it makes of it."""

TRACKS = 24
TAG = ("tag", "gs://music/audio", "--bundle", "gs://music/bundles/small")
HERE = "gs://music/here"
