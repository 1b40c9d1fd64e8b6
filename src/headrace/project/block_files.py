"""The code of blocks as files: written, moved and removed, each as a whole or not at all, and within the project alone."""

import os
from pathlib import Path

from headrace import errors
from headrace.model.pipeline import BlockType, Language
from headrace.project import amending, files, pipelines, places, tree
from headrace.project.folder import Project

_FUNCTIONS = {  # of new Python blocks: the decorator, what it is called by, and what it is given
    BlockType.DATA_LOADER: ("data_loader", "load_data", "*args, **kwargs", "{}"),
    BlockType.TRANSFORMER: ("transformer", "transform", "data, *args, **kwargs", "data"),
    BlockType.DATA_EXPORTER: ("data_exporter", "export_data", "data, *args, **kwargs", "None"),
    BlockType.CUSTOM: ("custom", "transform_custom", "*args, **kwargs", "{}"),
    BlockType.SENSOR: ("sensor", "check_condition", "*args, **kwargs", "True"),
    BlockType.CONDITIONAL: ("condition", "evaluate_condition", "*args, **kwargs", "True"),
    BlockType.CALLBACK: ("callback", "after", "parent_block_data, **kwargs", "None"),
}


def file_of(type: BlockType, language: Language, name: str) -> str:
    """Where the code of a block of that name lies, relative to the project."""
    return next(places.default(type, language, name))


def template(type: BlockType, language: Language) -> str:
    """What the code of a new block says."""
    if language is not Language.PYTHON or type not in _FUNCTIONS:
        return ""
    decorator, function, given, returned = _FUNCTIONS[type]
    imported = f"from mage_ai.data_preparation.decorators import {decorator}"
    return f"{imported}\n\n\n@{decorator}\ndef {function}({given}):\n    return {returned}\n"


def read(found: Project, file: str) -> str | None:
    """What the file says; None where there is none, or none that can be read."""
    try:
        return files.text(found.path, file)
    except files.Unreadable:
        return None


def write(found: Project, file: str, text: str) -> None:
    """The file says that. It is made, with its folder, if it is not there. FileUnwritable; BadBlockFile for no Python."""
    path = _path(found, file)
    if file.endswith(".py"):
        pipelines.refuse_fault(file, text)
    if len(text.encode(errors="surrogatepass")) > files.LARGEST:
        raise errors.FileUnwritable(file=file, why=f"it would have more than {files.LARGEST} bytes")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        amending.amend(path, lambda: read(found, file) or "", lambda _: text or "\n")
    except (OSError, UnicodeEncodeError) as error:
        raise errors.FileUnwritable(file=file, why=getattr(error, "strerror", None) or str(error)) from None
    except amending.Unwritable as error:
        raise errors.FileUnwritable(file=file, why=str(error)) from None


def there(found: Project, file: str) -> bool:
    """Is there a file of that name?"""
    return os.path.lexists(found.path / file)


def remove(found: Project, file: str) -> None:
    """The file is gone. FileUnwritable."""
    try:
        _path(found, file).unlink(missing_ok=True)
    except OSError as error:
        raise errors.FileUnwritable(file=file, why=error.strerror or str(error)) from None


def _path(found: Project, file: str) -> Path:
    """Where the file is, in the project with every link followed, and where code is kept from. FileUnwritable."""
    path = found.path / file
    if files.escapes(file) or files.unprintable(file) or not files.inside(found.path, str(path)):
        raise errors.FileUnwritable(file=file, why="it would lie outside the project folder")
    if not tree.keeps(file):
        raise errors.FileUnwritable(file=file, why="code is not kept from there")
    return path
