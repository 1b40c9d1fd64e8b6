"""Secrets: names go out, values only come in."""
