"""Datasets, their versions, and what is in them."""

from datetime import datetime
from typing import Any

from pydantic import Field

from headrace.api.v1.schemas.document import Document
from headrace.model.dataset import Operation


class DatasetColumn(Document):
    name: str
    type: str = Field(description="In Arrow's words.", examples=["int64"])


class DatasetVersion(Document):
    """What a dataset was from one write to the next."""

    version: int
    operation: Operation = Field(description="compact: small files were merged; the rows are those that were there.")
    run_id: int | None = Field(description="The run that made it; null for rows that were sent, or files merged.")
    block: str | None
    attempt: str | None
    rows: int = Field(description="Of the whole dataset, as it was then.")
    bytes: int
    schema_: list[DatasetColumn] = Field(alias="schema")
    profile: dict[str, Any] | None
    created_at: datetime
    cleaned_at: datetime | None = Field(description="Since when its rows cannot be read any more.")
    lost_at: datetime | None = Field(description="The same where they were not cleaned, but lost with the table.")


class DatasetVersions(Document):
    versions: list[DatasetVersion]
    next: str | None


class Dataset(Document):
    """A named table with versions."""

    id: int
    uid: str
    name: str = Field(examples=["daily_sales"])
    description: str
    row_identifier: str | None = Field(description="The columns by which rows are updated.")
    location: str = Field(description="A URL, or a path relative to the home of the server.")
    created_at: datetime
    updated_at: datetime
    newest: DatasetVersion | None = Field(
        description="Null for one that was never written, or not since its table was lost."
    )


class Datasets(Document):
    datasets: list[Dataset]
    next: str | None


class DatasetRows(Document):
    """As many cells in each row as there are columns."""

    dataset: str
    version: int
    columns: list[str]
    rows: list[list[Any]]
    offset: int
    total: int
