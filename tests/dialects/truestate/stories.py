"""What stories in this dialect begin with: steps, and pipelines of them."""

from collections.abc import Mapping, Sequence
from typing import Any

from tests.api.conftest import Caller, Served

Job = Mapping[str, Any]


def job(name: str, query: str, writes: str, **more: Any) -> dict[str, Any]:
    """A step that writes the dataset `writes`."""
    config = {"job_type": "data-transform", "query_type": "sql", "query": query, "output_datasets": [writes], **more}
    return {"name": name, "config": config}


def stream(served: Served) -> list[dict[str, Any]]:
    """Three steps, each below the one before, over datasets of their own."""
    head, race, tail = (served.name(each).replace("-", "_") for each in ("head", "race", "tail"))
    return [
        job("head", "select * from (values (1, 2.5), (2, 4.0), (3, 8.5)) as t(id, flow)", head, input_datasets=[]),
        job("race", f"select id, flow * 2 as flow from {head} where flow > 3", race, input_datasets=[head]),
        job("tail", f"select sum(flow)::double as flow from {race}", tail),
    ]


def body(name: str, jobs: Sequence[Job]) -> dict[str, Any]:
    return {"name": name, "description": "of a story", "pipeline_config": {"jobs": [*jobs]}}


def made(served: Served, jobs: Sequence[Job] | None = None) -> dict[str, Any]:
    """A pipeline of these steps, or of the stream's."""
    answer = served.client().post("/pipelines/", json=body(served.name("a stream"), jobs or stream(served)))
    assert answer.status_code == 200, answer.text
    return answer.json()


def ended(served: Served, caller: Caller, run: Mapping[str, Any]) -> dict[str, Any]:
    """The run, once it has ended."""
    pipeline = run["pipeline_version"]["pipeline_id"]

    def look() -> dict[str, Any] | None:
        found = caller.get(f"/pipelines/{pipeline}/runs/{run['id']}/").json()
        return found if found["finished_at"] else None

    found = served.until(look)
    assert found is not None
    return found


def refused(answer: Any, *place: str | int) -> str:
    """What is said of the field that the answer is to name, with 422."""
    assert answer.status_code == 422, answer.text
    fault = next(each for each in answer.json()["detail"] if each["loc"][: len(place)] == [*place])
    assert set(fault) == {"loc", "msg", "type"}
    return fault["msg"]
