"""Whatever is asked in the Mage dialect, as its description has it or nearly so: the answer is one that it knows.

Errors have their true statuses. Examples are drawn as in tests/api/test_any_request.py.
"""

import dataclasses
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.conftest import URL, Served, serving
from tests.api.drawing import EXAMPLES, FRAME, SEED, Later

from headrace.api import applications, mage
from headrace.model.access import Role

# Left out: those that take it for wrong that what is not known is passed over, and that a path which is nobody's or a
# method which it has not is answered as Mage does.
CHECKS = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
)


LATER = Later()
SCHEMA = schemathesis.openapi.from_dict(
    applications.described(mage.build(None, None, None)),
    config=SchemathesisConfig(seed=SEED),  # type: ignore[arg-type]
)
SCHEMA.app, SCHEMA.location = LATER, f"{URL}/api/openapi.json"
ASKED = SCHEMA.exclude(path_regex="^/(sessions|users|roles)", method=["PUT", "DELETE"])  # nobody would be let in then


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of these tests' own."""
    with serving(tmp_path_factory.mktemp("any")) as made:
        made.app.settings = dataclasses.replace(made.app.settings, mage_http_error_codes=True)
        LATER.served = made
        made.run()
        yield made


@ASKED.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, derandomize=SEED is not None, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_any_request_is_answered_as_described(case: Any, served: Served) -> None:
    token = {"Authorization": f"Bearer {served.said[Role.OWNER]}"}
    answer = case.call(base_url=f"{URL}/api", headers=token)
    assert not FRAME.search(answer.text)
    case.validate_response(answer, checks=CHECKS)
