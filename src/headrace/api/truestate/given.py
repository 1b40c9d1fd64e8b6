"""What requests give: pipelines as lists of jobs, each of a type that can be run here."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal
from uuid import UUID

from fastapi import Path, Query
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    ModelWrapValidatorHandler,
    PrivateAttr,
    StringConstraints,
    Tag,
    field_validator,
    model_validator,
)

from headrace import errors
from headrace.model import dataset
from headrace.operations import definitions, steps
from headrace.operations.authoring import NewBlock

JOB_TYPE = steps.JOB_TYPE
MOST_JOBS = 1_000
LISTS = definitions.LISTS  # under which steps of a new pipeline are sent
MOST = 1_000  # of anything in a list


def _dataset(name: str) -> str:
    try:
        return dataset.check(name)
    except errors.BadDatasetName as error:
        raise ValueError(str(error)) from None


Filled = Annotated[str, StringConstraints(min_length=1, pattern=r"\S")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"\S")]
Dataset = Annotated[
    str,
    StringConstraints(min_length=1, max_length=dataset.LONGEST, pattern=r"^[A-Za-z][A-Za-z0-9_]*$"),
    AfterValidator(_dataset),
]
PipelineId = Annotated[UUID, Path(description="The pipeline's id.")]
RunId = Annotated[UUID, Path(description="The run's id.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
Offset = Annotated[int, Query(ge=0, le=10**9, description="Without the first so many.")]


class Body(BaseModel):
    """What is sent has no fields but its own: one that was mistyped, and passed over, would have something else done."""

    model_config = ConfigDict(extra="forbid")


def _form(said: Any) -> str | None:
    """Which form of a value it is, so that what is wrong with it is told of that form alone."""
    return next((form for kind, form in _FORMS.items() if isinstance(said, kind)), None)


_FORMS: Mapping[type, str] = {str: "<text>", int: "<number>", list: "<list>", dict: "<object>", BaseModel: "<object>"}
FORMS = frozenset(_FORMS.values())  # as they stand in the places of faults, where nobody has sent them


def _one_of(expected: str) -> Discriminator:
    said = f"Input should be {expected}"
    return Discriminator(_form, custom_error_type="form", custom_error_message=said)


class DescribedDataset(Body):
    """A dataset with a word on it."""

    name: Dataset
    description: str | None = None


Entry = Annotated[
    Annotated[Dataset, Tag("<text>")] | Annotated[DescribedDataset, Tag("<object>")],
    _one_of("the name of a dataset, or an object with its name"),
]
Columns = Annotated[
    Annotated[Filled, Tag("<text>")] | Annotated[list[Filled], Tag("<list>")],
    _one_of("the name of a column, or a list"),
]
Size = Annotated[
    Annotated[int, Tag("<number>")] | Annotated[Filled, Tag("<text>")], _one_of("a number of bytes, or text")
]


class DataTransform(Body):
    """A query whose result becomes a version of a dataset."""

    job_type: Literal["data-transform"]
    query_type: Literal["sql"]
    query: Filled = Field(description="One SELECT over the input datasets.", examples=["select * from orders"])
    input_datasets: list[Entry] | None = Field(
        None, max_length=MOST, description="What the query reads; left out, that is read from the query."
    )
    output_datasets: list[Entry] = Field(min_length=1, max_length=1)
    write_mode: Literal["replace", "append", "upsert"] | None = Field(None, description="Of headrace; replace.")
    row_unique_identifier: Columns | None = Field(
        None, description="Of headrace: the column, or columns, that upserts go by."
    )
    memory_limit: Size | None = Field(None, description="Of headrace: bytes, or such as 512MB.")

    @field_validator("job_type", mode="before")
    @classmethod
    def _refuse_unknown(cls, given: Any) -> Any:
        if given != JOB_TYPE:
            raise ValueError(f"the job type {given!r:.80} cannot be run here; supported is {JOB_TYPE}")
        return given

    @property
    def configuration(self) -> dict[str, Any]:
        """As the step keeps it: what was given, in the form in which it was."""
        return self.model_dump(exclude={"query"}, exclude_none=True)


class Job(Body):
    name: Name = Field(examples=["clean_orders"])
    config: DataTransform

    @property
    def block(self) -> NewBlock:
        return steps.plain(self.name, self.config.query, self.config.configuration)


Organisation = Annotated[str | None, Field(description="Of whoever sends it; nothing here goes by it.")]


class Jobs(Body):
    """The steps of a pipeline. What one reads and another writes says in which order they run."""

    jobs: list[Job] = Field(min_length=1, max_length=MOST_JOBS)
    organisation_id: Organisation = None

    @field_validator("jobs")
    @classmethod
    def _refuse_twins(cls, given: list[Job]) -> list[Job]:
        seen: set[str] = set()
        for job in given:
            if job.name in seen:
                raise ValueError(f"two steps are named {job.name!r}; names are unique in a pipeline")
            seen.add(job.name)
        return given

    @property
    def blocks(self) -> list[NewBlock]:
        return [job.block for job in self.jobs]


class NewPipeline(Body):
    name: Name = Field(examples=["Sales"])
    description: str | None = Field(None, max_length=100_000)
    pipeline_config: Jobs = Field(
        validation_alias=AliasChoices(*LISTS),
        description="Under `workflow_config`, too, as earlier clients say it.",
    )
    organisation_id: Organisation = None
    _list: str = PrivateAttr(LISTS[0])

    @model_validator(mode="wrap")
    @classmethod
    def _note_list(cls, said: Any, read: ModelWrapValidatorHandler["NewPipeline"]) -> "NewPipeline":
        made = read(said)
        made._list = next(name for name in LISTS if name in said)
        return made

    @property
    def place(self) -> tuple[str, str]:
        """Where in it the steps lie, in the words that it was sent with."""
        return self._list, "jobs"


class Description(Body):
    """What of a pipeline is to be something else; what is left out, or null, stays."""

    name: Name | None = None
    description: str | None = Field(None, max_length=100_000)


class NewRun(Body):
    """A run of the whole pipeline, or of what lies between two of its steps."""

    start_job_name: str | None = Field(None, description="The step to begin with.")
    end_job_name: str | None = Field(None, description="The step to end with.")
    version_id: UUID | None = Field(
        None,
        validation_alias=AliasChoices("version_id", "pipeline_config_version_id", "workflow_config_version_id"),
        description="The version that is to run; left out, the present one. Also under the names that it has in other documents.",
    )


class Rows(Body):
    """Rows for a dataset, which is made if there is none of that name."""

    dataset_name: Dataset
    row_unique_identifier: Filled = Field(description="The column by which rows are told apart.", examples=["id"])
    data: list[dict[str, Any]] = Field(description="Each row by the names of its columns.", max_length=100_000)
    data_schema: dict[str, str] | None = Field(
        None, description="The type of each column, by its name; left out, the values tell."
    )
