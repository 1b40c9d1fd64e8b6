"""The project that `headrace init` makes: small, whole and working."""

import os
from pathlib import Path

from headrace import errors
from headrace.project import folder

PIPELINE = "mill_stream"  # the one the new project has

_SUFFIX = ".template"  # files of the new project carry it here, so that no tool takes them for this package's own


def create(path: str | Path) -> folder.Project:
    """Make a new project in a folder that is not there yet, or is empty but for `.git`. Raises CannotCreate."""
    place = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - the name of a link is kept
    try:
        place.mkdir(parents=True, exist_ok=True)
        if any(each.name != ".git" for each in place.iterdir()):
            raise errors.CannotCreate(path=place, why="the folder is not empty; name a new one")
        _copy(Path(__file__).with_name("starter"), place, place.name)
    except (FileExistsError, NotADirectoryError):
        raise errors.CannotCreate(path=place, why="it is, or lies below, a file") from None
    except (OSError, ValueError) as error:
        raise errors.CannotCreate(path=place, why=getattr(error, "strerror", None) or str(error)) from None
    return folder.open(place)


def _copy(source: Path, target: Path, project: str) -> None:
    for template in source.rglob(f"*{_SUFFIX}"):
        file = target / template.relative_to(source).with_suffix("")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(template.read_text("utf-8").replace("@project@", project), "utf-8")
