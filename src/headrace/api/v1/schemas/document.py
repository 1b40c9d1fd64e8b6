"""What all documents are like, and what every refusal is."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Plain = dict[str, Any]


class Document(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Fault(BaseModel):
    """One field that is not as it is to be."""

    field: str = Field(description="Its place.", examples=["variables.day"])
    detail: str = Field(description="What was expected, in words.")


class Problem(BaseModel):
    """Why it was not done (RFC 9457)."""

    type: str = Field(examples=["urn:headrace:run-not-found"])
    title: str = Field(examples=["Not Found"])
    status: int = Field(examples=[404])
    detail: str = Field(description="A sentence for people.", examples=["There is no run 7."])
    kind: str = Field(description="A word for programs.", examples=["run_not_found"])
    errors: list[Fault] = Field(description="The fields of the request that are at fault, where it is fields.")
