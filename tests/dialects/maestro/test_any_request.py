"""Whatever is asked in the Maestro dialect, as its description has it or nearly so: the answer is one that it knows.

Examples are drawn as in tests/api/test_any_request.py.
"""

from collections.abc import Iterator, Sequence
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
from tests.dialects.maestro.stories import Store, into, job, made, ran, table

from headrace.api import applications, maestro
from headrace.model.access import Role

# Left out: the one that takes it for wrong that what a job is to be is refused: its schema does not say all of that.
CHECKS = (
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
)


SETTINGS = hypothesis.settings(
    max_examples=EXAMPLES, derandomize=SEED is not None, suppress_health_check=list(hypothesis.HealthCheck)
)
LATER = Later()
SCHEMA = schemathesis.openapi.from_dict(
    applications.described(maestro.build(None, None, None)),
    config=SchemathesisConfig(seed=SEED),  # type: ignore[arg-type]
)
SCHEMA.app, SCHEMA.location = LATER, f"{URL}/platform/openapi.json"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of these tests' own."""
    with serving(tmp_path_factory.mktemp("any")) as found:
        LATER.served = found
        found.run()
        yield found


@pytest.fixture(scope="module")
def known(served: Served, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The ids of a pipeline with a job, which has run."""
    store = Store(tmp_path_factory.mktemp("store"))
    store.run("CREATE TABLE orders (id INTEGER)")
    pipeline = made(served, [job(table(store, "orders"), into(store, "copy"))])
    return {"pipeline_id": pipeline, "job_id": f"{pipeline}_0", "run_id": ran(served, pipeline)["pipeline_run_id"]}


@SCHEMA.parametrize()
@SETTINGS
def test_any_request_is_answered_as_described(case: Any, served: Served) -> None:
    _check(case, served)


@SCHEMA.exclude(method="DELETE").parametrize()
@SETTINGS
def test_any_request_about_what_is_there_is_answered_as_described(
    case: Any, served: Served, known: dict[str, str]
) -> None:
    if case.path_parameters:
        case.path_parameters = {name: known[name] for name in case.path_parameters}
    if _names_a_pipeline(case.body):
        case.body["pipeline_id"] = known["pipeline_id"]
    _check(case, served, CHECKS[:-1])  # an id that was to be refused may be one that is there now


def _names_a_pipeline(body: Any) -> bool:
    """What is no text, or too long, is to be refused as it is."""
    return isinstance(body, dict) and isinstance(body.get("pipeline_id"), str) and len(body["pipeline_id"]) <= 200


def _check(case: Any, served: Served, checks: Sequence[Any] = CHECKS) -> None:
    token = {"Authorization": f"Bearer {served.said[Role.OWNER]}"}
    answer = case.call(base_url=f"{URL}/platform", headers=token)
    assert not FRAME.search(answer.text)
    case.validate_response(answer, checks=checks)
