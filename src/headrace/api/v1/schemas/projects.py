"""Projects."""

from pydantic import Field

from headrace.api.v1.schemas.document import Document


class Project(Document):
    """A folder of pipelines."""

    id: int
    uid: str
    name: str = Field(examples=["mill"])
    path: str = Field(examples=["/srv/mill"])
    fault: str | None = Field(description="Why it cannot be read; null when it can.")


class Projects(Document):
    projects: list[Project]
