"""Paths and commands, as somebody would type them here."""

import os
import shlex
from pathlib import Path


def near(path: str | Path) -> str:
    """The path, relative to the working directory when it lies below it."""
    try:
        below = os.path.relpath(path)
    except OSError:  # the working directory is gone
        return str(path)
    return str(path) if below.startswith("..") else below


def command(*words: object) -> str:
    """A command of headrace that a shell takes as it is."""
    return shlex.join(["headrace", *map(str, words)])
