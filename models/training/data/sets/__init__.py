"""A loader for each public data set, pure over its root folder."""
