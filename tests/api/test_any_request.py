"""Whatever is asked, as the description has it or nearly so: the answer is one that the description knows.

Examples are drawn from the description itself. The suite draws the same few each time; `HEADRACE_EXAMPLES=200` draws more, and others.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import hypothesis
import pytest
import schemathesis
from schemathesis.config import PositiveDataAcceptanceConfig, SchemathesisConfig
from tests.api.conftest import URL, Served, serving
from tests.api.drawing import EXAMPLES, SEED, Later

from headrace.api import v1
from headrace.api.v1 import description
from headrace.model.access import Role

REFUSED = ["2xx", "3xx", "400", "401", "403", "404", "409", "410", "413", "422", "429", "503"]
MISSHAPEN = "bad_request"  # the word for what is not of the shape that the description gives


LATER = Later()
SCHEMA = schemathesis.openapi.from_dict(
    description.of(v1.build(None, None, None)), config=SchemathesisConfig(seed=SEED)
)  # type: ignore[arg-type]
SCHEMA.app, SCHEMA.location = LATER, f"{URL}/v1/openapi.json"
SCHEMA.config.checks.positive_data_acceptance = PositiveDataAcceptanceConfig(expected_statuses=REFUSED)
ASKED = (
    SCHEMA.exclude(path_regex="/(stream|changes)$")  # they are answered for as long as somebody follows
    .exclude(path_regex="/drain$")  # nothing would run after it
    .exclude(method="DELETE", path_regex="^/(tokens|sessions)")  # nor would anybody be let in
)


@schemathesis.check
def what_is_well_formed_is_understood(_: Any, response: Any, case: Any) -> None:
    """It may be refused, for what it means; not for its shape."""
    if case.meta and case.meta.generation.mode.is_positive and response.status_code >= 400:
        assert response.json()["kind"] != MISSHAPEN, response.text


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of these tests' own, whose project has the pipeline that the description's examples name."""
    with serving(tmp_path_factory.mktemp("any")) as made:
        shutil.copytree(made.folder / "pipelines" / "grind", made.folder / "pipelines" / "mill_stream")
        LATER.served = made
        made.run("mill_stream")
        yield made


@ASKED.parametrize()
@hypothesis.settings(
    max_examples=EXAMPLES, derandomize=SEED is not None, suppress_health_check=list(hypothesis.HealthCheck)
)
def test_any_request_is_answered_as_described(case: Any, served: Served) -> None:
    token = {"Authorization": f"Bearer {served.said[Role.OWNER]}"}
    case.call_and_validate(base_url=f"{URL}/v1", headers=token)
