"""Decorators of blocks, and where the project is."""
