"""Where the values of a YAML text stand in it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import yaml

from headrace.project import document
from headrace.project.faults import NotPlain, NotYaml, Path


@dataclass(frozen=True, slots=True)
class Node:
    """A value, from the character `start` to before `end`; a text after `|` or `>` ends with its last empty line.

    `kind` is scalar, alias, mapping or list; `flow` says that it has brackets. A mapping has a key for each child.
    """

    start: int
    end: int
    kind: str
    flow: bool = False
    keys: tuple["Node", ...] = ()
    children: tuple["Node", ...] = ()

    def place(self, text: str, step: str | int) -> int | None:
        """Which child has that name or index; None when there is none."""
        if isinstance(step, int):
            return step if self.kind == "list" and step < len(self.children) else None
        return next((index for index, key in enumerate(self.keys) if _name(text, key) == step), None)

    def simple(self, text: str) -> bool:
        """Is each key just a name before its colon: nothing taken in by `<<`, none set apart by `?`?"""
        return all(
            text[key.start : key.end] != "<<" and text[key.end :].lstrip(" ").startswith(":") for key in self.keys
        )


def find(text: str, path: Path) -> Node | None:
    """The value at the path of a text that is YAML; None when it does not itself stand there, as below an alias."""
    node = _Walk(text).root()
    for step in path:
        place = node.place(text, step) if node else None
        node = node.children[place] if node and place is not None else None
    return node


def _name(text: str, key: Node) -> str:
    """The name that a document has for the key; a key that means nothing by itself is its own name."""
    written = text[key.start : key.end]
    try:
        return next(iter(document.parse(f"? {written}").value))
    except (NotYaml, NotPlain):
        return written


class _Walk:
    """One walk along the events of a text."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[Any] = iter(cast(Any, yaml.parse(text, Loader=yaml.CSafeLoader)))
        self._event: Any = None

    def root(self) -> Node | None:
        """The value of the document; None when the text has none."""
        while not (node := self._node()) and self._event:
            pass
        return node

    def _node(self) -> Node | None:
        """The value that begins with the next event; None when none does."""
        self._event = event = next(self._events, None)
        match event:
            case yaml.MappingStartEvent():
                below = tuple(iter(self._node, None))
                return self._collection(event, "mapping", below[::2], below[1::2])
            case yaml.SequenceStartEvent():
                return self._collection(event, "list", (), tuple(iter(self._node, None)))
            case yaml.AliasEvent():
                return self._single(event, "alias")
            case yaml.ScalarEvent():
                return self._single(event, "scalar")
            case _:
                return None

    def _single(self, event: Any, kind: str) -> Node:
        return Node(event.start_mark.index, event.end_mark.index, kind)

    def _collection(self, first: Any, kind: str, keys: tuple[Node, ...], children: tuple[Node, ...]) -> Node:
        """A collection whose last event was the latest of the walk; without brackets it ends where its last child does."""
        flow = bool(first.flow_style)
        end = self._event.end_mark.index if flow else children[-1].end
        return Node(first.start_mark.index, end, kind, flow, keys, children)
