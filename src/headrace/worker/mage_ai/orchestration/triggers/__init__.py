"""Runs of other pipelines, started from code."""
