"""The client knows no server, so that both say for themselves what a run is: they say the same."""

import dataclasses
import importlib
import inspect
import pkgutil
from types import ModuleType

import pytest
from pydantic import BaseModel

from headrace.api.v1 import schemas
from headrace.client import values

CALLED = {
    "Trigger": "ShownTrigger",
    "Backfill": "ShownBackfill",
    "WholeRun": "ShownRun",
    "Retry": "RetryPlan",
    "PassedOver": "Passed",
    "Found": "FoundPipeline",
    "Rows": "DatasetRows",
    "Planned": "MadeBackfill",
}
STREAMED = {"Change"}  # no answer has it: tests of streams read it


def _classes(module: ModuleType) -> dict[str, type]:
    return {
        name: each for name, each in inspect.getmembers(module, inspect.isclass) if each.__module__ == module.__name__
    }


VALUES = {name: each for name, each in _classes(values).items() if name not in STREAMED}
ROOMS = [importlib.import_module(f"{schemas.__name__}.{room.name}") for room in pkgutil.iter_modules(schemas.__path__)]
DOCUMENTS: dict[str, type[BaseModel]] = {name: each for room in ROOMS for name, each in _classes(room).items()}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_has_what_the_document_has(name: str) -> None:
    document = DOCUMENTS[CALLED.get(name, name)].model_fields
    of_value = {field.name for field in dataclasses.fields(VALUES[name])}
    assert of_value == {field.alias or name for name, field in document.items()}


@pytest.mark.parametrize("name", VALUES)
def test_a_value_needs_only_what_the_document_always_has(name: str) -> None:
    document = DOCUMENTS[CALLED.get(name, name)].model_fields
    always = {field.alias or name for name, field in document.items() if field.is_required()}
    missing = dataclasses.MISSING
    for field in dataclasses.fields(VALUES[name]):
        assert field.name in always or (field.default, field.default_factory) != (missing, missing)
