"""Decorators of blocks, where the project is, and what blocks share."""
