"""The description of the API: whole, and of what is answered as of what is asked."""

import re
from typing import Any

import msgspec
from tests.api.conftest import Served

from headrace.api.v1 import schemas


def document(served: Served) -> dict[str, Any]:
    return served.client(None).get("/v1/openapi.json").json()


def test_everything_that_is_named_is_there(served: Served) -> None:
    found = document(served)
    named = set(re.findall(r"#/components/schemas/([A-Za-z0-9_-]+)", msgspec.json.encode(found).decode()))
    assert named <= set(found["components"]["schemas"])


def test_every_document_is_answered_somewhere(served: Served) -> None:
    """One that nothing answers is left over."""
    found = document(served)
    answered = re.findall(r"#/components/schemas/([A-Za-z0-9_-]+)", msgspec.json.encode(found).decode())
    assert set(schemas.described()) - set(answered) <= {"Trigger"}, "but for what others are made of"


def test_what_is_answered_is_not_taken_for_what_is_asked(served: Served) -> None:
    """Two of one name would be described as the same."""
    found = document(served)
    asked = msgspec.json.encode(
        [told.get("requestBody", {}) for path in found["paths"].values() for told in path.values()]
    ).decode()
    bodies = set(re.findall(r"#/components/schemas/([A-Za-z0-9_-]+)", asked))
    assert bodies
    assert not bodies & set(schemas.described())
