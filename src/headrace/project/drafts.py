"""What a pipeline's metadata.yaml is to say once something of it is changed: from one document to the next.

Edges are kept both ways. `upstream_blocks` decide; `downstream_blocks` follow from them.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from headrace import errors
from headrace.model import graph
from headrace.model.pipeline import BlockType

Document = Mapping[str, Any]

LONGEST = 200  # bytes of a name, which is a file's or a folder's, too
_LISTED = {BlockType.CALLBACK: "callbacks", BlockType.CONDITIONAL: "conditionals", BlockType.CHART: "widgets"}


def name_of(title: str) -> str:
    """The name that a pipeline or block of that title has: small letters, digits and `_`, with `/` between folders.

    BadName for a title of which nothing is left, or too much.
    """
    parts = [re.sub(r"\W", "_", part.strip()).lower() for part in title.split("/")]
    name = "/".join(parts)
    if not all(part.strip("_") for part in parts) or any(len(part.encode()) > LONGEST for part in parts):
        raise errors.BadName(given=title[:80], expected=f"letters or digits, at most {LONGEST}")
    return name


def pipeline(name: str, title: str, type: str, description: str | None, tags: Sequence[str], at: datetime) -> Document:
    """A pipeline without blocks, as the format has it."""
    empty: dict[str, Any] = {"blocks": [], "cache_block_output_in_memory": False, "callbacks": []}
    return empty | {
        "concurrency_config": {},
        "conditionals": [],
        "created_at": str(at),
        "data_integration": None,
        "description": description,
        "executor_config": {},
        "executor_count": 1,
        "executor_type": None,
        "extensions": {},
        "name": title,
        "notification_config": {},
        "remote_variables_dir": None,
        "retry_config": {},
        "run_pipeline_in_one_process": False,
        "settings": {"triggers": None},
        "spark_config": {},
        "tags": [*tags],
        "type": type,
        "uuid": name,
        "variables": {},
        "widgets": [],
    }


def block(name: str, title: str, type: BlockType, language: str, given: Document) -> dict[str, Any]:
    """A block without edges, with what is given of its other fields, as the format has it."""
    usual: dict[str, Any] = {
        "all_upstream_blocks_executed": True,
        "color": None,
        "configuration": {},
        "downstream_blocks": [],
        "executor_config": None,
        "executor_type": "local_python",
        "has_callback": False,
        "language": language,
        "name": title,
        "retry_config": None,
        "status": "not_executed",
        "timeout": None,
        "type": str(type),
        "upstream_blocks": [],
        "uuid": name,
    }
    return usual | {**given}


def entries(whole: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each block with the list that it stands in; what is none is passed over."""
    for kind in ("blocks", "callbacks", "conditionals", "widgets"):
        for each in _list(whole, kind):
            yield kind, each


def find(whole: Document, name: str) -> dict[str, Any] | None:
    """The block of that name."""
    return next((each for _, each in entries(whole) if each.get("uuid") == name), None)


def put(whole: Document, entry: Document, place: int | None = None) -> Document:
    """The pipeline with one block more, at that place among its like, or as the last. BlockExists."""
    name = entry["uuid"]
    if find(whole, name) is not None:
        raise errors.BlockExists(pipeline=whole.get("uuid"), block=name)
    _refuse_unknown(whole, _texts(entry.get("upstream_blocks")))
    kind = _LISTED.get(BlockType(entry["type"]), "blocks")
    listed = _list(whole, kind)
    listed.insert(len(listed) if place is None else place, {**entry})
    return _settled({**whole, kind: listed})


def fill(whole: Document, blocks: Sequence[Document]) -> Document:
    """The pipeline with just those blocks. BlockExists for a name that is there twice; BadPipeline for a circle."""
    filled: Document = {**whole, "blocks": [{**each} for each in blocks]}
    for place, each in enumerate(blocks):
        if each["uuid"] in {other["uuid"] for other in blocks[:place]}:
            raise errors.BlockExists(pipeline=whole.get("uuid"), block=each["uuid"])
        _refuse_unknown(filled, _texts(each.get("upstream_blocks")))
    return _settled(filled)


def change(whole: Document, name: str, changes: Document) -> Document:
    """The pipeline with some fields of that block saying something else. BlockNotFound; BadPipeline for a circle."""
    _refuse_unknown(whole, [name, *_texts(changes.get("upstream_blocks"))])
    changed = {kind: _list(whole, kind) for kind, each in entries(whole) if each.get("uuid") == name}
    for listed in changed.values():
        listed[:] = [each | {**changes} if each.get("uuid") == name else each for each in listed]
    return _settled({**whole, **changed})


def drop(whole: Document, name: str) -> Document:
    """The pipeline without that block, and without edges from it."""
    left = {kind: [each for each in _list(whole, kind) if each.get("uuid") != name] for kind in _kinds(whole)}
    without = {kind: [_unlinked(each, name) for each in listed] for kind, listed in left.items()}
    return _settled({**whole, **without})


def rename(whole: Document, old: str, new: str, title: str) -> Document:
    """The pipeline with that block under another name, and each edge, and each copy of it, with that."""
    if old != new and find(whole, new) is not None:
        raise errors.BlockExists(pipeline=whole.get("uuid"), block=new)
    renamed = {kind: [_renamed(each, old, new, title) for each in _list(whole, kind)] for kind in _kinds(whole)}
    return {**whole, **renamed}


def lead(whole: Document, name: str, downstream: Iterable[str]) -> Document:
    """The pipeline with an edge from that block to each of those, and to no other."""
    wanted = [*downstream]
    for below in downstream_of(whole, name):
        if below not in wanted:
            whole = change(
                whole, below, {"upstream_blocks": [each for each in _upstream(whole, below) if each != name]}
            )
    for below in wanted:
        if name not in _upstream(whole, below):
            whole = change(whole, below, {"upstream_blocks": [*_upstream(whole, below), name]})
    return whole


def attach(whole: Document, kind: str, name: str, wanted: Sequence[str]) -> Document:
    """The pipeline with just those of its callbacks or conditionals, as `kind` says, put to that block. BlockNotFound."""
    _refuse_unknown(whole, [name, *wanted])
    attached = [_attached(each, name, wanted=each.get("uuid") in wanted) for each in _list(whole, kind)]
    return {**whole, kind: attached} if attached else whole


def order(whole: Document, names: Sequence[str]) -> Document:
    """The pipeline with its blocks in that order; those that are not named come last, as they were."""
    listed = _list(whole, "blocks")
    return {**whole, "blocks": sorted(listed, key=lambda each: _rank(names, each.get("uuid")))}


def downstream_of(whole: Document, name: str) -> list[str]:
    """The blocks that wait for that one."""
    return [str(each.get("uuid")) for each in _list(whole, "blocks") if name in _texts(each.get("upstream_blocks"))]


def _settled(whole: Document) -> Document:
    """With the edges as `upstream_blocks` have them. BadPipeline for a circle."""
    listed = _list(whole, "blocks")
    if circle := graph.cycle({str(each.get("uuid")): tuple(_texts(each.get("upstream_blocks"))) for each in listed}):
        why = f"these blocks wait for each other: {' → '.join(circle)}"
        raise errors.BadPipeline(file=f"pipelines/{whole.get('uuid')}", field="blocks", why=why)
    return {**whole, "blocks": [_with_downstream(each, whole) for each in listed]} if listed else whole


def _refuse_unknown(whole: Document, names: Iterable[str]) -> None:
    known = [str(each.get("uuid")) for _, each in entries(whole)]
    for each in names:
        if each not in known:
            raise errors.BlockNotFound(pipeline=whole.get("uuid"), block=each, names=", ".join(known) or "no blocks")


def _with_downstream(entry: dict[str, Any], whole: Document) -> dict[str, Any]:
    """Those below it in the order in which they stood, new ones after them."""
    below = downstream_of(whole, str(entry.get("uuid")))
    before = [each for each in _texts(entry.get("downstream_blocks")) if each in below]
    after = [*before, *(each for each in below if each not in before)]
    return entry if after == _texts(entry.get("downstream_blocks")) else entry | {"downstream_blocks": after}


def _attached(entry: dict[str, Any], name: str, *, wanted: bool) -> dict[str, Any]:
    above = _texts(entry.get("upstream_blocks"))
    if not wanted:
        return _unlinked(entry, name)
    return entry if name in above else entry | {"upstream_blocks": [*above, name]}


def _unlinked(entry: dict[str, Any], name: str) -> dict[str, Any]:
    upstream = _texts(entry.get("upstream_blocks"))
    return entry | {"upstream_blocks": [each for each in upstream if each != name]} if name in upstream else entry


def _renamed(entry: dict[str, Any], old: str, new: str, title: str) -> dict[str, Any]:
    own = {"uuid": new, "name": title} if entry.get("uuid") == old else {}
    copied = {"replicated_block": new} if entry.get("replicated_block") == old else {}
    edges = {
        field: [new if each == old else each for each in _texts(entry.get(field))]
        for field in ("upstream_blocks", "downstream_blocks")
        if old in _texts(entry.get(field))
    }
    return entry | own | copied | edges


def _kinds(whole: Document) -> list[str]:
    return list(dict.fromkeys(kind for kind, _ in entries(whole)))


def _upstream(whole: Document, name: str) -> list[str]:
    _refuse_unknown(whole, [name])
    return _texts((find(whole, name) or {}).get("upstream_blocks"))


def _list(whole: Document, kind: str) -> list[dict[str, Any]]:
    """A new list of its entries."""
    listed = whole.get(kind)
    return [each for each in cast("list[Any]", listed) if isinstance(each, dict)] if isinstance(listed, list) else []


def _texts(listed: Any) -> list[str]:
    return [each for each in cast("list[Any]", listed) if isinstance(each, str)] if isinstance(listed, list) else []


def _rank(names: Sequence[str], name: Any) -> int:
    return names.index(name) if name in names else len(names)
