"""Paths and commands, as somebody would type them here."""

import os
import shlex
from pathlib import Path

import click
from click.core import ParameterSource


def near(path: str | Path) -> str:
    """The path, relative to the working directory when it lies below it."""
    try:
        below = os.path.relpath(path)
    except OSError:  # the working directory is gone
        return str(path)
    return str(path) if below.startswith("..") else below


def command(*words: object) -> str:
    """A command of headrace that a shell takes as it is; it asks the server that this one was told to ask."""
    return shlex.join(["headrace", *_server(), *map(str, words)])


def _server() -> list[str]:
    """What an environment says need not be said again."""
    context = click.get_current_context(silent=True)
    root = context.find_root() if context else None
    typed = root is not None and root.get_parameter_source("url") is ParameterSource.COMMANDLINE
    return ["--url", str(root.obj)] if root and typed else []
