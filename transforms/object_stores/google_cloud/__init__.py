"""Google Cloud Storage by its own client."""
