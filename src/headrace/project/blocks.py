"""One block as it is written in a pipeline's metadata.yaml → Block."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path
from typing import TypeVar

from headrace.model.pipeline import Block, BlockType, Language
from headrace.project import files, places, retries, steps
from headrace.project.fields import Field

_KNOWN = frozenset({
    "uuid", "name", "type", "language", "upstream_blocks", "downstream_blocks", "configuration", "retry_config", "timeout",
    "concurrency_config",
})  # fmt: skip
LOCAL_EXECUTORS = frozenset({"local_python", "local_python_force"})
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12, "ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
_SIZE = re.compile(r"(?P<number>\d+(?:\.\d+)?)\s*(?P<unit>[kmgt]?i?)b?", re.IGNORECASE)

Word = TypeVar("Word", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a block is read within: its project folder, its pipeline's other blocks and their `executor_config`."""

    project: Path
    siblings: Mapping[str, Field]
    executor_config: Field
    warn: Callable[[Field, str], None]


def read(written: Field, within: Surroundings) -> Block:
    """The block; its edges are as they are written. Raises Wrong at the field that is not what the format has there."""
    name = uuid(written)
    type, language = _words(written)
    file = _file(written, type, language, within)
    type = type or (places.type_of(file) if file else None)
    if type is None:
        raise written.at("type").wrong(f"one of {', '.join(BlockType)}")
    if file is None and type not in places.FILELESS:
        raise written.refused(f"the file of block {name!r} is missing: {_default_place(written, type, language)}")
    _warn_remote(written, within)
    language = language or (places.language_of(file) if file else None) or Language.PYTHON
    text = _text(file, within) if file and language in (Language.SQL, Language.YAML) else None
    datasets = steps.read(written, language, file, text)
    return Block(
        uuid=name,
        type=type,
        language=language,
        name=written.at("name").text(name),
        file=file,
        text=text,
        upstream=tuple(edge(each) for each in written.at("upstream_blocks").items()),
        configuration=written.at("configuration").mapping(),
        retry_config=retries.read(written.at("retry_config")),
        reads=datasets.reads,
        writes=datasets.writes,
        timeout=written.at("timeout").seconds() or None,  # the format has 0 for none
        fresh_process=_setting("fresh_process", written, within).flag(),
        memory_limit=_bytes(_setting("memory_limit", written, within)),
        extra=written.rest(_KNOWN),
    )


def uuid(written: Field, field: str = "uuid") -> str:
    """The name of a block: text that is no path out of its folder."""
    name = written.at(field).value
    if not isinstance(name, str) or not name.strip():
        raise written.at(field).wrong("the name of a block, as text")
    if files.escapes(name) or files.unprintable(name) or "\\" in name:
        raise written.at(field).wrong("a name that stays in its folder: no `..`, no leading `/`, nothing unprintable")
    return name


def edge(written: Field) -> str:
    """The name of a block at the other end of an edge; it need not be there."""
    if not isinstance(written.value, str):
        raise written.wrong("the name of a block, as text")
    return written.value


def _words(written: Field) -> tuple[BlockType | None, Language | None]:
    return (
        _word(written.at("type"), BlockType, "a block type"),
        _word(written.at("language"), Language, "a language"),
    )


def _word(written: Field, words: type[Word], what: str) -> Word | None:
    """One of the words of the format; None when nothing is written."""
    if written.value is None or written.value == "":
        return None
    if written.value not in list(words):
        raise written.refused(f"{written.value!r} is not {what}; expected one of {', '.join(words)}")
    return words(written.value)


def _file(written: Field, type: BlockType | None, language: Language | None, within: Surroundings) -> str | None:
    """The block's code: the replicated block's, else what `file_path` says, else the place that its name leads to."""
    if written.at("replicated_block").value:
        return _replicated(written, type, language, within)
    file_path = written.at("configuration").at("file_path").text()
    told = tuple(places.written(within.project, file_path, type)) if file_path else ()
    file = _first(written, chain(told, places.default(type, language, uuid(written))), within)
    if file and file_path and file not in told and not file_path.endswith(file):
        within.warn(written.at("configuration").at("file_path"), f"{file_path} is not here; {file} is used instead")
    return file


def _replicated(written: Field, type: BlockType | None, language: Language | None, within: Surroundings) -> str | None:
    name = uuid(written, "replicated_block")
    origin = within.siblings.get(name)
    if origin is None:
        return _first(written, places.default(type, language, name), within)
    if origin.at("replicated_block").value:
        raise written.at("replicated_block").refused(f"{name!r} is itself a copy of another block")
    return _file(origin, *_words(origin), within)


def _first(written: Field, candidates: Iterator[str], within: Surroundings) -> str | None:
    for file in candidates:
        try:
            if files.find(within.project, file):
                return file
        except files.Unreadable as error:
            raise written.refused(f"the file {file} is not read: {error}") from None
    return None


def _text(file: str, within: Surroundings) -> str | None:
    """What the file says; None of one that cannot be read."""
    try:
        return files.text(within.project, file)
    except files.Unreadable:
        return None


def _default_place(written: Field, type: BlockType, language: Language | None) -> str:
    name = written.at("replicated_block").text() or uuid(written)
    return next(places.default(type, language or Language.PYTHON, name))


def _setting(name: str, written: Field, within: Surroundings) -> Field:
    """What headrace's own part of an `executor_config` says: the block's, else the pipeline's."""
    own = written.at("executor_config").at(name)
    return own if own.value is not None else within.executor_config.at(name)


def _warn_remote(written: Field, within: Surroundings) -> None:
    executor = written.at("executor_type").text()
    if executor and executor not in LOCAL_EXECUTORS:
        within.warn(written.at("executor_type"), f"{executor} is not set up here; the block runs locally")


def _bytes(written: Field) -> int | None:
    """A size: a number of bytes, or text such as 512MB (a million bytes each) or 2GiB (2**30 bytes each)."""
    if written.value is None:
        return None
    match = _SIZE.fullmatch(written.text().strip())
    size = int(float(match["number"]) * _UNITS.get(match["unit"].lower(), 0)) if match else 0
    if isinstance(written.value, bool) or size < 1:
        raise written.wrong("a size in bytes, or such as 512MB or 2GiB")
    return size


def by_name(written: Sequence[Field]) -> dict[str, Field]:
    """Blocks by their names; raises Wrong where a second one has a name already taken."""
    named: dict[str, Field] = {}
    for each in written:
        if (name := uuid(each)) in named:
            raise each.at("uuid").refused(f"two blocks are named {name!r}")
        named[name] = each
    return named
