"""Object stores: each one's requests, and one way to try them again."""
