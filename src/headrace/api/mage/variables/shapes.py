"""Variables as Mage shows them: those of a pipeline under the block `global`, outputs under the block that made them."""

from collections.abc import Iterable, Mapping
from typing import Any

from typing_extensions import TypedDict

from headrace.operations import documents
from headrace.operations.pipeline_variables import Left

GLOBAL = "global"
CLASSES = {"DataFrame": "pandas.core.frame.DataFrame", "Series": "pandas.core.series.Series"}  # where pandas has them


class Named(TypedDict):
    uuid: str


class Value(TypedDict):
    uuid: str
    type: str
    value: Any


class Variable(TypedDict):
    """`variables` is a list of values where variables are listed, else of names."""

    block: Named | None
    name: str | None
    pipeline: Named | None
    value: Any
    variables: list[Value] | list[str] | None


def of_pipeline(pipeline: str, variables: Mapping[str, Any]) -> Variable:
    shown = documents.masked(variables)
    values: list[Value] = [
        {"uuid": name, "type": f"<class '{_kind(value)}'>", "value": shown[name]} for name, value in variables.items()
    ]
    return _listed(GLOBAL, pipeline, values)


def of_blocks(pipeline: str, left: Iterable[Left]) -> list[Variable]:
    found: dict[str, list[Value]] = {}
    for each in left:
        found.setdefault(each.block, []).append(_output(each))
    return [_listed(block, pipeline, values) for block, values in found.items()]


def changed(name: str, value: Any, variables: Mapping[str, Any]) -> Variable:
    shown = documents.masked({name: value})[name]
    return {"block": None, "name": name, "pipeline": None, "value": shown, "variables": list(variables)}


def deleted(name: str) -> Variable:
    return {"block": None, "name": name, "pipeline": None, "value": None, "variables": None}


def _listed(block: str, pipeline: str, values: list[Value]) -> Variable:
    return {"block": {"uuid": block}, "name": None, "pipeline": {"uuid": pipeline}, "value": None, "variables": values}


def _kind(value: object) -> str:
    return type(value).__name__


def _output(each: Left) -> Value:
    """Of a frame, and of what is too large to be told, the kind alone."""
    module, _, kind = each.output.kind.rpartition(".")
    name = CLASSES.get(kind, each.output.kind) if module == "pandas" else each.output.kind
    return {"uuid": each.output.name, "type": f"<class '{name}'>", "value": kind if each.value is None else each.value}
