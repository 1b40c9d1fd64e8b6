"""Logs, as files: one for each block run, and two for each run."""
