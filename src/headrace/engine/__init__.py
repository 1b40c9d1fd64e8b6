"""Moves runs forward."""
