"""Whatever is asked in the TrueState dialect, as its description has it or nearly so: the answer is one that it knows.

Examples are drawn as in tests/api/test_any_request.py.
"""

from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.config import SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)
from tests.api.conftest import URL, Served, serving
from tests.api.drawing import EXAMPLES, FRAME, SEED, Later

from headrace.api import applications, truestate
from headrace.model.access import Role

# Left out: the one that takes it for wrong that a query which is no SELECT is refused: no schema says what one is.
CHECKS = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
)


LATER = Later()
SCHEMA = schemathesis.openapi.from_dict(
    applications.described(truestate.build(None, None, None)),
    config=SchemathesisConfig(seed=SEED),  # type: ignore[arg-type]
)
SCHEMA.app, SCHEMA.location = LATER, f"{URL}/pipelines/openapi.json"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of these tests' own."""
    with serving(tmp_path_factory.mktemp("any")) as made:
        LATER.served = made
        made.run()
        yield made


@SCHEMA.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, derandomize=SEED is not None, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_any_request_is_answered_as_described(case: Any, served: Served) -> None:
    token = {"Authorization": f"Bearer {served.said[Role.OWNER]}"}
    answer = case.call(base_url=URL, headers=token)
    assert not FRAME.search(answer.text)
    case.validate_response(answer, checks=CHECKS)
