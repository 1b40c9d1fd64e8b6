"""Datasets: named tables, looked at, and given rows."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import Path, Query
from starlette.requests import Request
from starlette.responses import Response

from headrace import errors
from headrace.api import applications, auditing, gate
from headrace.api.applications import Home
from headrace.api.truestate import given, shapes
from headrace.api.truestate.given import Limit, Offset
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import datasets
from headrace.store.datasets import Standing

router = applications.routes("datasets")

ONE: dict[int | str, dict[str, Any]] = {200: {"model": shapes.Dataset}}


@router.get("/datasets/", responses={200: {"model": list[shapes.Dataset]}})
def list_all(
    home: Home,
    name: Annotated[str | None, Query(description="Only the one of this name.")] = None,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """The datasets, by name."""
    found = datasets.listed(home, offset + limit) if name is None else _named(home, name)
    return applications.written([shapes.dataset(each) for each in found[offset : offset + limit]])


@router.put("/datasets/upsert/", responses=ONE)
@gate.needs(Role.EDITOR)
def upsert(home: Home, request: Request, rows: given.Rows) -> Response:
    """Give a dataset rows, in place of those with the same identifier. It is made if there is none of that name."""
    auditing.touch(request, "datasets", rows.dataset_name)
    found = datasets.upsert_rows(home, rows.dataset_name, rows.row_unique_identifier, rows.data, rows.data_schema)
    return applications.written(shapes.dataset(found))


@router.get("/datasets/{dataset_id}/", responses=ONE)
def show(home: Home, dataset_id: Annotated[UUID, Path(description="The dataset's id.")]) -> Response:
    """One dataset."""
    return applications.written(shapes.dataset(datasets.find_uid(home, str(dataset_id))))


def _named(home: App, name: str) -> list[Standing]:
    """None where no dataset is called so, or could be."""
    try:
        return [datasets.find(home, name)]
    except (errors.DatasetNotFound, errors.BadDatasetName):
        return []
