"""Blocks of a project's pipelines are found by their names."""

from collections.abc import Iterator
from dataclasses import dataclass
from difflib import SequenceMatcher

from headrace.app import App
from headrace.operations import pipelines
from headrace.store.projects import ProjectRow

MOST = 12  # blocks that are found
LEAST_ALIKE = 0.5  # of 1, for a name that does not have the text in it
LONGEST = 200  # characters of the text that is looked for


@dataclass(frozen=True, slots=True)
class Found:
    """A block; `file` is its code, relative to the project's folder."""

    uuid: str
    name: str
    type: str
    language: str
    file: str


def find(app: App, project: ProjectRow, text: str) -> list[Found]:
    """At most MOST of the blocks that the caller sees, each once: those most like the text first."""
    wanted = text[:LONGEST].casefold().strip()
    blocks = {block.file: block for block in _blocks(app, project)}
    ranked = [(_likeness(wanted, block), block) for block in blocks.values()]
    near = sorted((pair for pair in ranked if pair[0] >= LEAST_ALIKE), key=lambda pair: (-pair[0], pair[1].uuid))
    return [block for _, block in near[:MOST]]


def _blocks(app: App, project: ProjectRow) -> Iterator[Found]:
    for found in pipelines.listed_in(app, project.path):
        for block in found.pipeline.blocks if found.pipeline else ():
            if block.file:
                yield Found(block.uuid, block.name or block.uuid, block.type.value, block.language.value, block.file)


def _likeness(wanted: str, block: Found) -> float:
    names = {block.uuid.casefold(), block.name.casefold()}
    if any(wanted in name for name in names):
        return 1.0
    return max(SequenceMatcher(None, wanted, name).ratio() for name in names)
