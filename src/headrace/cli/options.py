"""Options that several commands share."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace import settings

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}

AUTHORED = "authored"  # headrace's own project: see `project.authored`, which commands need not import to be typed


class Folder(click.Path):
    """A project's folder; where there is none of that name, `authored` is headrace's own project in the home."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        found = super().convert(value, param, ctx)
        if str(value) == AUTHORED and not (ctx and ctx.find_root().obj) and not Path(value).exists():
            return settings.load(os.environ).home / AUTHORED
        return found


FOLDER: click.Path = Folder(path_type=Path, readable=False)  # one that cannot be read is told where it is read

Command = TypeVar("Command", bound=Callable[..., Any])


def _colour(context: click.Context, _: click.Parameter, off: bool) -> None:
    """NO_COLOR counts when it is set to anything, as no-color.org has it."""
    if off or os.environ.get("NO_COLOR"):
        context.color = False


colour = click.option(
    "--no-color", is_flag=True, expose_value=False, callback=_colour, help="Without colours, as with NO_COLOR set."
)


def _is_json(_context: click.Context, _parameter: click.Parameter, chosen: str) -> bool:
    return chosen == "json"


written_as = click.option(
    "-o",
    "--output",
    "as_json",
    type=click.Choice(["table", "json"]),
    default="table",
    show_default=True,
    callback=_is_json,
    help="A table for people, or JSON for programs.",
)
