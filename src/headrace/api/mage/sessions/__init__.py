"""Sessions: logging in with a password, and out again."""
