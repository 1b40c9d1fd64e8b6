"""Connections to the world outside."""
