"""What requests give. Jobs are read as `model.transfer` has it, which names the field that is not as it is to be."""

from typing import Annotated, Any

from fastapi import Path, Query
from pydantic import BaseModel, ConfigDict, Field

from headrace.model.loads import LoadType
from headrace.operations.jobs import MOST as MOST_JOBS

MOST = 1000  # runs of a list

PipelineId = Annotated[str, Path(max_length=100, description="The pipeline's id, a UUID.")]
RunId = Annotated[str, Path(max_length=100, description="The run's id, a UUID.")]
JobId = Annotated[str, Path(max_length=100, description="The pipeline's id, `_`, and the place of the job in it.")]
Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
Offset = Annotated[int, Query(ge=0, le=10**9, description="Without the first so many.")]
Text = Annotated[str, Field(max_length=200)]
Long = Annotated[str, Field(max_length=100_000)]
Cron = Annotated[str, Field(max_length=1000, examples=["0 6 * * *"])]


class NewPipeline(BaseModel):
    """A pipeline of jobs; its id is the client's to choose."""

    model_config = ConfigDict(extra="forbid")

    id: Text = Field(description="A UUID.", examples=["1b33ad2f-33d3-4837-9eeb-83c82c8b909d"])
    name: Annotated[Text, Field(min_length=1)]
    description: Long | None = None
    cron: Cron | None = Field(None, description="When it runs; null: by hand. `@once`, too.")
    jobs: list[dict[str, Any]] = Field(min_length=1, max_length=MOST_JOBS)


class Patch(BaseModel):
    """What of a pipeline is to be something else."""

    model_config = ConfigDict(extra="allow")

    name: Annotated[Text, Field(min_length=1)] | None = None
    description: Long | None = None
    cron: Cron | None = Field(None, description="null takes the schedule away.")


class Named(BaseModel):
    """The pipeline that is meant."""

    pipeline_id: Annotated[Text, Field(min_length=1)]


class Memory(BaseModel):
    amount: int = Field(description="Megabytes.", examples=[4096], strict=True)


class Sync(BaseModel):
    model_config = ConfigDict(extra="forbid")

    target_load_type: LoadType
    incremental_column_name: Text | None = None
    incremental_column_type: Text | None = None
    primary_keys: list[Text] | None = None
    force: Annotated[bool, Field(strict=True)] | None = Field(None, description="Forget the bookmark in any case.")
