"""What is answered, field by field, for the description of the API. The documents are made by operations/documents.

Nothing but the description needs it, and it takes long to import: it is imported when that is asked for.
"""

from types import ModuleType
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from headrace.api.v1.schemas import (
    access,
    backfills,
    datasets,
    document,
    lineage,
    logs,
    outputs,
    pipelines,
    projects,
    runs,
    server,
    triggers,
)

ROOMS = (document, projects, pipelines, lineage, runs, triggers, backfills, outputs, datasets, logs, server, access)


def described() -> dict[str, Any]:
    """The JSON schema of each document, by its name."""
    models = [(each, "serialization") for room in ROOMS for each in _models(room)]
    return models_json_schema(models, ref_template="#/components/schemas/{model}")[1]["$defs"]  # pyright: ignore[reportArgumentType]


def _models(room: ModuleType) -> list[type[BaseModel]]:
    """Those that are written in that room."""
    named = [each for each in vars(room).values() if isinstance(each, type) and issubclass(each, BaseModel)]
    return [each for each in named if each.__module__ == room.__name__ and each is not document.Document]
