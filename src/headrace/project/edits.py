"""One value of a YAML text is changed, and every other character of it stays.

What is written is read again by the reader that wrote it, so that `yes`, `012` and `1:30` mean what they mean there.
"""

import json
import re
from datetime import datetime
from typing import Any, cast

import yaml

from headrace.project import nodes
from headrace.project.faults import Path
from headrace.project.nodes import Node

_NOT_PLAIN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff]")
_WIDEST = 2**31 - 1  # so that no line is folded
_ABSENT = object()


class Unchangeable(ValueError):
    """The text is written in a way that cannot be changed in this place alone; the message says how."""


def same(one: Any, other: Any) -> bool:
    """Are the two the same when they are written? True and 1 are not."""
    return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)


def change(text: str, path: Path, before: Any, after: Any) -> str:
    """The text with the value at `path`, which says `before`, saying `after`; of mappings only what differs is touched."""
    if same(before, after):
        return text
    if not (before and after and isinstance(before, dict) and isinstance(after, dict) and _own(text, path)):
        return put(text, path, after)
    was, now = cast(dict[str, Any], before), cast(dict[str, Any], after)
    for name, value in now.items():
        text = change(text, (*path, name), was.get(name, _ABSENT), value)
    for name in was.keys() - now.keys():
        text = drop(text, (*path, name))
    return text


def put(text: str, path: Path, value: Any) -> str:
    """The text with that value at `path`, new or in place of another; a new one of a list is put at its end.

    Values are what a document has, and aware datetimes. Raises Unchangeable.
    """
    *above, step = path
    parent = nodes.find(text, tuple(above))
    if not above and (parent is None or text[parent.start : parent.end] in ("", "{}")):
        return _begun(text, parent) + _block({step: value}, 0, text)
    if parent is None or parent.kind not in ("mapping", "list"):
        raise Unchangeable("what it is to stand in does not stand there itself")
    place = parent.place(text, step)
    if place is None:
        return _added(text, parent, step, value)
    if parent.flow or parent.kind == "list":
        return _in_place(text, parent.children[place], value)
    return _replaced(text, parent.keys[place], parent.children[place], value)


def drop(text: str, path: Path) -> str:
    """The text without the value at `path`. Comments stay, but for those on its lines. Raises Unchangeable."""
    *above, step = path
    parent = nodes.find(text, tuple(above))
    place = parent.place(text, step) if parent else None
    if parent is None or place is None:
        raise Unchangeable("what is to be removed does not stand there itself")
    if len(parent.children) == 1:
        return put(text, tuple(above), {} if parent.keys else [])
    start, end = _extent(parent, place) if parent.flow else _lines(text, parent, place)
    return text[:start] + text[end:]


def _begun(text: str, nothing: Node | None) -> str:
    """A text that says nothing yet, ready for more lines."""
    return _ended(text[: nothing.start] + text[nothing.end :] if nothing else text)


def _own(text: str, path: Path) -> bool:
    """Does a mapping of simple keys stand there itself?"""
    node = nodes.find(text, path)
    return node is not None and node.kind == "mapping" and node.simple(text)


def _added(text: str, parent: Node, step: str | int, value: Any) -> str:
    new = {step: value} if parent.kind == "mapping" else [value]
    if not parent.children:
        return _in_place(text, parent, new)
    last = parent.children[-1].end
    if parent.flow:
        return f"{text[:last]}, {_flow(new)[1:-1]}{text[last:]}"
    end = _line_end(text, last)
    return _ended(text[:end]) + _block(new, _margin(text, parent), text) + text[end:]


def _in_place(text: str, old: Node, value: Any) -> str:
    """The value in brackets, or as a scalar, exactly where the old one stands."""
    if old.start == old.end:
        raise Unchangeable("nothing is written in its place")
    return text[: old.start] + _flow(value) + text[_end(text, old) :]


def _replaced(text: str, key: Node, old: Node, value: Any) -> str:
    """The old style is kept where it can be: a value beside its key stays beside it, one in brackets keeps them."""
    block = bool(value) and _collected(value) and not (old.flow and old.children)
    beside = key.end < old.start < old.end and "\n" not in text[key.end : old.start]
    if beside and not block:
        return _in_place(text, old, value)
    margin = _column(text, key.start) + (0 if isinstance(value, list) else 2)
    written = _break(text) + _block(value, margin, text).rstrip() if block else " " + _flow(value)
    return f"{text[: key.end]}:{written}{text[_end(text, old) :]}"


def _collected(value: Any) -> bool:
    return isinstance(value, dict | list)


def _extent(parent: Node, place: int) -> tuple[int, int]:
    """What a child within brackets takes, with one comma."""
    starts = parent.keys or parent.children
    if place == 0:
        return starts[0].start, starts[1].start
    return parent.children[place - 1].end, parent.children[place].end


def _lines(text: str, parent: Node, place: int) -> tuple[int, int]:
    """The lines that a child without brackets takes."""
    first = parent.keys[place].start if parent.keys else _dash(text, parent, place)
    start = first - _column(text, first)
    if text[start:first].strip():
        raise Unchangeable("it stands on one line with something else")
    return start, _line_end(text, parent.children[place].end)


def _dash(text: str, parent: Node, place: int) -> int:
    """Where the dash before an entry of a list is: between it and the entry before there are but comments."""
    if place == 0:
        return parent.start
    before = parent.children[place - 1].end
    found = re.compile(rf"^ {{{_margin(text, parent)}}}-", re.MULTILINE).search(text, before)
    if found is None:
        raise Unchangeable("its dash is not below the one before")
    return found.end() - 1


def _margin(text: str, parent: Node) -> int:
    """How far the lines of a collection without brackets are indented."""
    return _column(text, parent.keys[0].start if parent.keys else parent.start)


def _column(text: str, at: int) -> int:
    return at - (text.rfind("\n", 0, at) + 1)


def _end(text: str, node: Node) -> int:
    """Where the value ends, without the empty lines after it."""
    return node.start + len(text[node.start : node.end].rstrip())


def _line_end(text: str, at: int) -> int:
    """Where the next line begins, or the same when it begins there."""
    if text[:at].endswith("\n"):
        return at
    return text.find("\n", at) + 1 or len(text)


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else text + _break(text)


def _break(text: str) -> str:
    """How the text ends its lines."""
    return "\r\n" if "\r\n" in text else "\n"


class _Dumper(yaml.CSafeDumper):
    """Text that holds a line break is written on one line, so that its margin is no part of it."""

    def ignore_aliases(self, data: Any) -> bool:
        return True

    def text(self, value: str) -> yaml.ScalarNode:
        return yaml.ScalarNode("tag:yaml.org,2002:str", value, style='"' if _NOT_PLAIN.search(value) else None)


_Dumper.add_representer(str, _Dumper.text)


def _flow(value: Any) -> str:
    """The value on one line, as it can stand within brackets."""
    match value:
        case dict():
            pairs = cast(dict[str, Any], value).items()
            return "{" + ", ".join(f"{_flow(name)}: {_flow(below)}" for name, below in pairs) + "}"
        case list():
            return "[" + ", ".join(map(_flow, cast(list[Any], value))) + "]"
        case datetime():
            return value.isoformat(" ")
        case _:
            return _dumped([value], flow=True).strip()[1:-1]


def _block(value: Any, margin: int, like: str) -> str:
    """The value on lines of its own, each ended as that text's are."""
    lines = _dumped(value, flow=False).removesuffix("\n").split("\n")
    return "".join(" " * margin + line + _break(like) for line in lines)


def _dumped(value: Any, flow: bool) -> str:
    style: dict[str, Any] = {"default_flow_style": flow, "allow_unicode": True, "sort_keys": False, "width": _WIDEST}
    return cast(Any, yaml).dump(value, Dumper=_Dumper, **style)
