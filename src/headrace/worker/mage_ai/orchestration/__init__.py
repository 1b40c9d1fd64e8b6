"""Runs of other pipelines."""
