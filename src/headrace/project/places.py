"""Where the code of a block may lie in a project folder, the likeliest place first."""

import posixpath
from collections.abc import Iterator
from pathlib import Path

from headrace.model.pipeline import NEVER_RUN, BlockType, Language
from headrace.project import files

FILELESS = NEVER_RUN | {BlockType.GLOBAL_DATA_PRODUCT, BlockType.HOOK}  # a block of these may have no file

SUFFIXES = {
    Language.PYTHON: (".py",),
    Language.SQL: (".sql",),
    Language.YAML: (".yaml", ".yml"),
    Language.R: (".r", ".R"),
    Language.MARKDOWN: (".md",),
}
_LANGUAGES = {suffix: language for language, suffixes in SUFFIXES.items() for suffix in suffixes}


def default(type: BlockType | None, language: Language | None, uuid: str) -> Iterator[str]:
    """The places that a block's name and type lead to; those of every type or language when that is not known."""
    types = [type] if type else list(BlockType)
    suffixes = SUFFIXES[language] if language else tuple(_LANGUAGES)
    return (f"{folder}/{uuid}{suffix}" for each in types for folder in _folders(each) for suffix in suffixes)


def written(project: Path, file_path: str, type: BlockType | None) -> Iterator[str]:
    """The places within the project that a `file_path` may mean; it may begin with the project folder's name or path.

    A path of another machine leads nowhere here, and is no place at all.
    """
    path = posixpath.normpath(file_path)
    ways = [path, path.removeprefix(f"{project}/"), path.removeprefix(f"{project.name}/")]
    if type is BlockType.DBT:
        ways.append(f"dbt/{path}")
    return (way for way in dict.fromkeys(ways) if not files.escapes(way))


def type_of(file: str) -> BlockType | None:
    """The type whose folder that file lies in."""
    top = file.split("/")[0]
    return next((each for each in BlockType if top in _folders(each)), None)


def language_of(file: str) -> Language | None:
    """The language that the file's name says it is in."""
    return _LANGUAGES.get(posixpath.splitext(file)[1])


def _folders(type: BlockType) -> tuple[str, ...]:
    if type is BlockType.DBT:
        return ("dbts", "dbt")
    return ("custom",) if type is BlockType.CUSTOM else (f"{type}s",)
