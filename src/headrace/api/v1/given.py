"""What requests give, in words that several nouns share: strict bodies, moments, names, pages of a list."""

from datetime import UTC, datetime
from typing import Annotated, Any, cast

from anyio import to_thread
from fastapi import Depends, Header, Path, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, WithJsonSchema, model_validator
from starlette.requests import Request

from headrace import errors
from headrace.api.v1.here import Home

GREATEST = 2**63 - 1  # of ids
MOST = 1000  # of anything on a page
LONGEST_NAME = 255
MOST_FIELDS = 100  # of a body; none has as many of its own


class Body(BaseModel):
    """A body has no fields but its own, and each is of just its type."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _refuse_crowd(cls, said: Any) -> Any:
        """One word for all of too many fields: one for each would be a hundred times what was sent."""
        if isinstance(said, dict) and len(cast("dict[str, Any]", said)) > MOST_FIELDS:
            raise ValueError(f"it has more than {MOST_FIELDS} fields")
        return cast("Any", said)


def unsaid() -> Any:
    """What stands for a field that may be left out, and is not null when it is there; whoever reads it asks first."""
    return None


def _moment(said: Any) -> datetime:
    """In UTC, where it has no offset; ValueError for what is none."""
    if not isinstance(said, str):
        raise ValueError("a moment is text in ISO 8601")
    found = datetime.fromisoformat(said)
    try:
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except OverflowError:
        raise ValueError("in UTC it is beyond the calendar") from None


def _whole(said: Any) -> Any:
    """In JSON 3.0 is a whole number too."""
    return int(said) if isinstance(said, float) and said.is_integer() else said


_SCHEMA = {"type": "string", "format": "date-time", "examples": ["2026-01-31T06:00:00Z"]}
Moment = Annotated[datetime, BeforeValidator(_moment), WithJsonSchema(_SCHEMA)]
Text = Annotated[str, StringConstraints(pattern=r"^[^\x00]*$")]
Name = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_NAME, pattern=r"^[^\x00]*$")]
_OF_RUN: dict[str, Any] = {
    "anyOf": [{"type": "integer", "minimum": 1, "maximum": GREATEST}, {"type": "string", "format": "uuid"}]
}
WHOLE = BeforeValidator(_whole)  # the last word on a whole number in a body
Id = Annotated[int, Field(ge=1, le=GREATEST), WHOLE]

Limit = Annotated[int, Query(ge=1, le=MOST, description="At most so many.")]
Cursor = Annotated[str | None, Query(max_length=200, description="The `next` of the page before.")]
Key = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=255,
        description="A name for what is asked: asked again with it, it is the same.",
        examples=["orders-2026-01-31"],
    ),
]


async def _run_id(
    request: Request,
    home: Home,
    run_id: Annotated[str, Path(description="The run's number, or its uid."), WithJsonSchema(_OF_RUN)],
) -> int:
    """The run's number, which the audit has, too, whatever the path names it by. RunNotFound for a uid that is of none."""
    if not run_id.isdigit():
        found = await to_thread.run_sync(home.store.runs.get, run_id.lower())
        run_id = request.path_params["run_id"] = str(found.id)
    if not 1 <= int(run_id) <= GREATEST:
        raise errors.BadField(field="run_id", given=run_id, expected=f"a number from 1 to {GREATEST}, or a uid")
    return int(run_id)


RunId = Annotated[int, Depends(_run_id)]


def beyond(cursor: str | None) -> int | None:
    """The id that the cursor of a list in the order of ids stands for. BadCursor."""
    if cursor is None:
        return None
    if not cursor.isascii() or not cursor.isdigit() or not 0 < int(cursor[:20]) <= GREATEST:
        raise errors.BadCursor(cursor=cursor)
    return int(cursor)
