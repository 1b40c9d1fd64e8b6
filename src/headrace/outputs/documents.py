"""Plain values as JSON, exactly: what JSON has no form for is an object whose key `$` names its type.

The forms: `{"$": "tuple", "of": […]}` and likewise frozenset and set; `{"$": "dict", "of": [[key, value], …]}` for
a dict with keys that are not text; `{"$": <type>, "value": …}` for scalars; `{"$": "object", …}` for a pickle in
base64 (see objects.py); `{"$": "part", "index": n}` for a value kept in a file of its own.
"""

import json
import math
from collections.abc import Callable
from typing import Any, cast

from headrace.outputs import forms

Tree = Any  # None, bool, int, float, str, and lists and dicts of them
Other = Callable[[Any], Tree]  # what becomes of a value that has no form here, or of a tree made of one

_DEEPEST = 100
_PLAIN = frozenset({str, bool, type(None)})
_GROUPS: dict[type, str] = {tuple: "tuple", set: "set", frozenset: "frozenset"}


def knows(value: Any) -> bool:
    """Whether a value of this type has a form of its own here; subclasses have none."""
    kind = cast("type[Any]", type(value))
    return kind in _PLAIN or kind in (int, float, list, dict) or kind in _GROUPS or forms.name_of(value) is not None


def dumps(tree: Tree, *, canonical: bool = False) -> bytes:
    """The tree as UTF-8 JSON; lone surrogates, which Python's text may hold, pass through."""
    text = json.dumps(tree, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=canonical)
    return text.encode("utf-8", "surrogatepass")


def loads(content: bytes) -> Tree:
    """The tree of that JSON; ValueError when it is none."""
    return json.loads(content.decode("utf-8", "surrogatepass"))


def encode(value: Any, other: Other, depth: int = 0) -> Tree:
    """The tree of a value; `other` is asked for the tree of what has no form here.

    RecursionError for what is nested deeper than can safely be read again, and so in a cycle.
    """
    if depth > _DEEPEST:
        raise RecursionError(f"it is nested more than {_DEEPEST} deep")
    kind = cast("type[Any]", type(value))
    if kind in _PLAIN or (kind is int and -(2**63) <= value < 2**63) or (kind is float and math.isfinite(value)):
        return value
    if kind is list:
        return [encode(each, other, depth + 1) for each in value]
    if kind is dict:
        return _encode_dict(value, other, depth + 1)
    if kind in _GROUPS:
        members = [encode(each, other, depth + 1) for each in value]
        return {"$": _GROUPS[kind], "of": members if kind is tuple else sorted(members, key=_canonical)}
    name = forms.name_of(value)
    tree = name and forms.encode(name, value)
    return tree or other(value)


def _encode_dict(value: dict[Any, Any], other: Other, depth: int) -> Tree:
    if all(type(key) is str for key in value) and "$" not in value:
        return {key: encode(each, other, depth) for key, each in value.items()}
    return {"$": "dict", "of": [[encode(key, other, depth), encode(each, other, depth)] for key, each in value.items()]}


def _canonical(tree: Tree) -> bytes:
    return dumps(tree, canonical=True)


def decode(tree: Tree, other: Other) -> Any:
    """The value of a tree; `other` is asked for the value of an object or a part. KeyError, ValueError if it is none."""
    if type(tree) is list:
        return [decode(each, other) for each in cast("list[Any]", tree)]
    if type(tree) is not dict:
        return tree
    branch = cast("dict[str, Any]", tree)
    name = branch.get("$")
    if name is None:
        return {key: decode(each, other) for key, each in branch.items()}
    if name == "dict":
        return {decode(key, other): decode(each, other) for key, each in branch["of"]}
    if "of" in branch:
        return _MAKERS[name](decode(each, other) for each in branch["of"])
    return other(branch) if name in ("object", "part") else forms.decode(branch)


_MAKERS: dict[str, Callable[[Any], Any]] = {name: kind for kind, name in _GROUPS.items()}
