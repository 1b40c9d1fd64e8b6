"""Where the columns that steps write come from."""

from pydantic import Field

from headrace.api.v1.schemas.document import Document


class Source(Document):
    dataset: str
    column: str = Field(description="`*` where the columns of the dataset are not known yet.")


class TracedColumn(Document):
    """A column, and those that its values are made of."""

    name: str = Field(description="The expression of a column that was given no name; `*` for columns not known yet.")
    sources: list[Source] = Field(alias="from", description="None of a column that is made of no other.")


class TracedStep(Document):
    """A step of SQL."""

    block: str
    reads: list[str] = Field(description="Datasets.")
    writes: list[str]
    columns: list[TracedColumn] | None = Field(description="Null where they cannot be told.")
    why: str | None = Field(description="Why they cannot.")


class Lineage(Document):
    steps: list[TracedStep] = Field(description="In an order in which they can run.")
