"""Files' own tags by container: what of them is ours is read and written, all else stays as its bytes are."""
