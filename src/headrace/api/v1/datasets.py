"""Datasets: named tables with versions, looked at, and given rows."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home
from headrace.model.access import Role
from headrace.operations import datasets, documents

router = here.routes("datasets")

MOST = 10_000  # rows of a page, or of a body

Number = Annotated[int, Path(ge=0, le=given.GREATEST, description="The number of the version.")]
Which = Annotated[int | None, Query(ge=0, le=given.GREATEST, description="Without it, the newest version.")]
First = Annotated[int, Query(ge=0, le=given.GREATEST, description="The number of the first row, from 0 on.")]
Count = Annotated[int, Query(ge=0, le=MOST, description="Rows at most.")]


class NewRows(given.Body):
    """Rows that come into a dataset, in place of those that have the same value in the column `identifier`."""

    identifier: given.Name = Field(examples=["order_id"])
    rows: list[dict[str, Any]] = Field(
        min_length=1, max_length=MOST, examples=[[{"order_id": 7, "city": "Lyon", "price": 12.5}]]
    )
    types: dict[str, str] | None = Field(
        None,
        description="Of the columns of a dataset that is new: string, integer, number, boolean, date, timestamp.",
        examples=[{"order_id": "integer", "city": "string", "price": "number"}],
    )
    description: given.Text = Field("", max_length=10_000, description="Of a dataset that is new.")


@router.get("/datasets", summary="All datasets, by name", responses=answers.tells("Datasets"))
def list_all(home: Home, request: Request, limit: given.Limit = 100, cursor: given.Cursor = None) -> Response:
    """Each with its newest version."""
    found = datasets.listed(home, limit, cursor or "")
    following = found[-1].dataset.name if len(found) == limit else None
    return answers.page(request, "datasets", [documents.dataset(each) for each in found], following)


@router.get("/datasets/{name}", summary="A dataset", responses=answers.tells("Dataset"))
def show(home: Home, name: str) -> Response:
    """Names that differ in case alone are of one dataset."""
    return answers.written(documents.dataset(datasets.find(home, name)))


@router.get(
    "/datasets/{name}/versions", summary="The versions of a dataset", responses=answers.tells("DatasetVersions")
)
def history(home: Home, request: Request, name: str, limit: given.Limit = 20, cursor: given.Cursor = None) -> Response:
    """The newest first, with what made each of them; of those that have been cleaned no rows can be read."""
    found = datasets.history(home, name, limit, given.beyond(cursor))
    following = answers.following([each.version for each in found], limit)
    return answers.page(request, "versions", [documents.dataset_version(each) for each in found], following)


@router.get("/datasets/{name}/rows", summary="Rows of a dataset", responses=answers.tells("DatasetRows"))
def rows(home: Home, name: str, version: Which = None, offset: First = 0, limit: Count = 100) -> Response:
    """A page of them, in the order in which they lie. What JSON has no form for is text: moments, decimals, bytes."""
    dataset, found = datasets.version(home, name, version)
    page = datasets.head(home, name, found.version, offset, limit)
    told = {"dataset": dataset.name, "version": found.version, "columns": page.columns, "rows": page.rows}
    return answers.written({**told, "offset": offset, "total": found.rows})


@router.put("/datasets/{name}/rows", summary="Give a dataset rows", responses=answers.tells("Dataset"))
@gate.needs(Role.EDITOR)
def upsert(home: Home, name: str, new: NewRows) -> Response:
    """They come in one version, or, where one of them does not fit, not at all. The dataset is made if there is none."""
    found = datasets.upsert_rows(home, name, new.identifier, new.rows, new.types, new.description)
    return answers.written(documents.dataset(found))


@router.post("/datasets/{name}/restart", summary="Begin a dataset anew", responses=answers.tells("Dataset"))
@gate.needs(Role.EDITOR)
def restart(home: Home, name: str) -> Response:
    """One whose table is lost is empty from then on. What there was stays in its history, and the numbers of versions go on."""
    return answers.written(documents.dataset(datasets.restart(home, name)))
