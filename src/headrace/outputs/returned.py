"""What a block returned becomes named outputs: one, several or none."""

from types import GeneratorType
from typing import Any, cast

from headrace.outputs import documents, kinds


def split(value: Any) -> tuple[bool, list[tuple[str, Any]]]:
    """(single, named outputs): a consumer of a single output gets it as it is, otherwise a list of all.

    None is no output. A tuple is always several outputs. A generator counts as the list of what it yields, a set as a
    list. A list is several outputs when an element is a frame or an object, and otherwise one: the list itself, save
    that a list of one list or of one frame is that element. (The Mage format, with its losses mended: order and
    one-element lists survive.)
    """
    if isinstance(value, GeneratorType | set):
        value = list(value)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if value is None:
        return True, []
    if isinstance(value, tuple):
        return False, _named(list(value))  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
    if type(value) is not list:
        return True, _named([value])
    elements = cast("list[Any]", value)
    if _holds_one(elements):
        return True, _named(elements)
    if all(map(documents.knows, elements)):
        return True, _named([elements])
    return False, _named(elements)


def is_kept_whole(value: Any) -> bool:
    """Whether a block returned a list that is kept as one output, which to the Mage format is one for each element."""
    return type(value) is list and not _holds_one(value) and all(map(documents.knows, value))  # pyright: ignore[reportUnknownArgumentType]


def _holds_one(elements: list[Any]) -> bool:
    return len(elements) == 1 and bool(type(elements[0]) is list or kinds.frame_codec(elements[0]))


def _named(values: list[Any]) -> list[tuple[str, Any]]:
    return [(f"output_{position}", value) for position, value in enumerate(values)]
