"""What a Workflow is to be: by the schema of its kind, where that is at hand, and by what neither it nor a server checks."""

import copy
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, cast

from jsonschema import Draft202012Validator

from headrace.model import graph

CRD = Path(__file__).parents[4] / "shared" / "recordings" / "argo" / "workflow-crd.json"
LABEL = re.compile(r"(?=.{1,63}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?")
VALUE = re.compile(r"(?=.{0,63}$)([A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?)?")
LARGEST = 1_500_000  # bytes that a server takes
_PARAMETER = re.compile(r"\{\{(inputs|workflow)\.parameters\.([a-z]+)\}\}")


def refuse(workflow: Mapping[str, Any]) -> None:
    """Fails for what Argo would not take, or could not run."""
    assert LABEL.fullmatch(workflow["metadata"]["name"])
    assert all(VALUE.fullmatch(each) for each in workflow["metadata"]["labels"].values())
    assert len(json.dumps(workflow)) < LARGEST
    if CRD.exists():
        faults = [f"{each.json_path}: {each.message}" for each in _validator().iter_errors(workflow)]
        assert not faults
    _refuse_graph(workflow["spec"])


def _refuse_graph(spec: Mapping[str, Any]) -> None:
    """The entry is there, each task has a template and what that asks for, and waits for none that is not there, nor for itself."""
    templates = {each["name"]: each for each in spec["templates"]}
    assert len(templates) == len(spec["templates"])
    tasks: list[Mapping[str, Any]] = templates[spec["entrypoint"]]["dag"]["tasks"]
    names = [each["name"] for each in tasks]
    assert len(set(names)) == len(names)
    assert all(LABEL.fullmatch(each) for each in names)
    assert not any(each[0].isdigit() for each in names)  # as Argo's own check has it wherever a task has `depends`
    waits = {each["name"]: each.get("depends", "").split(" && ") if each.get("depends") else [] for each in tasks}
    assert {each for above in waits.values() for each in above} <= set(names)
    assert graph.cycle(waits) is None
    for task in tasks:
        _refuse_parameters(
            task, templates[task["template"]], {each["name"] for each in spec["arguments"]["parameters"]}
        )


def _refuse_parameters(task: Mapping[str, Any], template: Mapping[str, Any], of_workflow: set[str]) -> None:
    given = {each["name"] for each in task["arguments"]["parameters"]}
    assert {each["name"] for each in template["inputs"]["parameters"]} == given
    for kind, name in _PARAMETER.findall(json.dumps(template["container"])):
        assert name in (given if kind == "inputs" else of_workflow)


@cache
def _validator() -> Draft202012Validator:
    crd = json.loads(CRD.read_text())
    return Draft202012Validator(_strict(crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]))


def _strict(schema: Any) -> Any:
    """As a server has it with strict validation: fields that it does not name are refused; both kinds where marked so."""
    if isinstance(schema, list):
        return [_strict(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    made: dict[str, Any] = {name: _strict(each) for name, each in cast("dict[str, Any]", schema).items()}
    if made.pop("x-kubernetes-int-or-string", False):
        made.pop("type", None)
        made.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    properties = made.get("properties")
    closed = isinstance(properties, dict) and "type" in made and not made.get("x-kubernetes-preserve-unknown-fields")
    return {**made, "additionalProperties": False} if closed and "additionalProperties" not in made else made


def mangled(workflow: Mapping[str, Any]) -> Iterator[Any]:
    """Workflows that are none, one in each way."""
    for change in (_unknown, _typed, _dangling, _circular, _nowhere, _named, _unasked):
        broken = copy.deepcopy(cast("dict[str, Any]", workflow))
        change(broken)
        yield broken


def _tasks(workflow: Any) -> Any:
    return workflow["spec"]["templates"][0]["dag"]["tasks"]


def _unknown(workflow: Any) -> None:
    workflow["spec"]["retries"] = 3


def _typed(workflow: Any) -> None:
    workflow["spec"]["ttlStrategy"]["secondsAfterCompletion"] = "1 day"


def _dangling(workflow: Any) -> None:
    _tasks(workflow)[0]["depends"] = "nobody"


def _circular(workflow: Any) -> None:
    _tasks(workflow)[0]["depends"] = _tasks(workflow)[0]["name"]


def _nowhere(workflow: Any) -> None:
    workflow["spec"]["templates"].pop()


def _named(workflow: Any) -> None:
    workflow["metadata"]["name"] = "n" * 64


def _unasked(workflow: Any) -> None:
    _tasks(workflow)[0]["arguments"]["parameters"].pop()
