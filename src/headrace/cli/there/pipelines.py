"""The same as `here`, of the projects of a server: pipelines."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace.cli.there.likeness import alike, counted
from headrace.client import values
from headrace.client.decoding import value
from headrace.client.front import Client
from headrace.model.pipeline import Pipeline
from headrace.operations.applying import Applied, Deed
from headrace.operations.pipelines import Found


class Pipelines:
    def __init__(self, client: Client) -> None:
        self._client = client

    def listed(self, project: Path) -> list[Found]:
        return [_found(each) for each in self._client.pipelines.list(str(project))]

    def shown(self, project: Path, pipeline: str) -> Found:
        return _found_whole(self._client.pipelines.get(str(project), pipeline))

    def lineage(self, project: Path, pipeline: str) -> Mapping[str, Any]:
        return self._client.pipelines.lineage(str(project), pipeline)

    def apply(self, definition: Mapping[str, Any], *, dry: bool) -> Applied:
        told = self._client.pipelines.apply(definition, dry_run=dry)
        return alike(Applied, told, deed=Deed(told.deed))


def _found(told: values.Found) -> Found:
    if told.error is not None:
        return Found(told.name, error=told.error)
    blocks = counted(told.blocks or 0)
    return Found(told.name, alike(Pipeline, told, blocks=blocks), refused=told.cannot_run)


def _found_whole(told: Mapping[str, Any]) -> Found:
    """From the document of a pipeline, where a block's upstreams have another name."""
    attached = {kind: [_block(each) for each in told[kind]] for kind in ("blocks", "callbacks", "conditionals")}
    return Found(told["name"], value({**told, **attached}, Pipeline), refused=told["cannot_run"])


def _block(told: Mapping[str, Any]) -> dict[str, Any]:
    return {**told, "upstream": told["upstream_blocks"]}
