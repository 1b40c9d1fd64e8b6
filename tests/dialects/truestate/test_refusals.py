"""What is wrong with a pipeline is told before anything of it is written: what it is, and where it lies."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.api.conftest import Served
from tests.dialects.truestate import stories
from tests.dialects.truestate.stories import Job, job

JOBS = ("body", "pipeline_config", "jobs")


def two(one: Job, other: Job) -> list[Job]:
    return [one, other]


def named(name: Any) -> list[Job]:
    return [job("one", "select 1 as n", name)]


def of_type(job_type: Any) -> list[Job]:
    found = job("one", "select 1 as n", "wrong")
    found["config"]["job_type"] = job_type
    return [found]


def without(field: str) -> list[Job]:
    found = job("one", "select 1 as n", "wrong")
    del found["config"][field]
    return [found]


WRONG: dict[str, tuple[list[Job], tuple[str | int, ...], str]] = {
    "a query that does not parse": (
        two(job("one", "select 1 as n", "wrong"), job("other", "select\n 1 as n,\n frm wrong x", "wrong_2")),
        (*JOBS, 1, "config", "query"),
        "line 3 column",
    ),
    "two statements": (
        [job("one", "select 1 as n; select 2 as n", "wrong")],
        (*JOBS, 0, "config", "query"),
        "one SELECT",
    ),
    "no SELECT": ([job("one", "drop table wrong", "wrong")], (*JOBS, 0, "config", "query"), "one SELECT"),
    "a query of nothing": ([job("one", " ", "wrong")], (*JOBS, 0, "config", "query"), "pattern"),
    "a table that is not declared": (
        [job("one", "select *\nfrom elsewhere", "wrong", input_datasets=["nearby"])],
        (*JOBS, 0, "config", "query"),
        "elsewhere",
    ),
    "a circle": (
        two(job("one", "select * from wrong_2", "wrong"), job("other", "select * from wrong", "wrong_2")),
        JOBS,
        "one → other",
    ),
    "a step that reads what it writes": ([job("one", "select * from wrong", "wrong")], JOBS, "one → one"),
    "two writers": (
        two(job("one", "select 1 as n", "wrong"), job("other", "select 2 as n", "WRONG")),
        (*JOBS, 1, "config", "output_datasets"),
        "The block other: output_datasets: 'WRONG' is written by the block 'one' too",
    ),
    "two steps of one name": (
        two(job("one", "select 1 as n", "wrong"), job("one", "select 2 as n", "wrong_2")),
        JOBS,
        "two steps are named 'one'",
    ),
    "a step without a name": ([job("", "select 1 as n", "wrong")], (*JOBS, 0, "name"), ""),
    "a step whose name leads out of its folder": (
        [job("../../etc/cron.d/x", "select 1 as n", "wrong")],
        (*JOBS, 0, "name"),
        "stays in its folder",
    ),
    "a step whose name has no letter": (
        [job("!?", "select 1 as n", "wrong")],
        (*JOBS, 0, "name"),
        "letters or digits",
    ),
    "no step": ([], (*JOBS,), "at least 1"),
    "an unknown type": (of_type("classification"), (*JOBS, 0, "config", "job_type"), "'classification'"),
    "a type that is no word": (of_type({"a": 1}), (*JOBS, 0, "config", "job_type"), "data-transform"),
    "no type": (without("job_type"), (*JOBS, 0, "config", "job_type"), "required"),
    "no output": (without("output_datasets"), (*JOBS, 0, "config", "output_datasets"), "required"),
    "a dataset with a slash": (named("a/b"), (*JOBS, 0, "config", "output_datasets", 0), ""),
    "a dataset with a dot": (named("a.b"), (*JOBS, 0, "config", "output_datasets", 0), ""),
    "a dataset that begins with a digit": (named("1a"), (*JOBS, 0, "config", "output_datasets", 0), ""),
    "a dataset of 300 characters": (named("a" * 300), (*JOBS, 0, "config", "output_datasets", 0), ""),
    "a dataset with an accent": (named("blé"), (*JOBS, 0, "config", "output_datasets", 0), ""),
    "two outputs": (
        [job("one", "select 1 as n", "wrong", output_datasets=["wrong", "wrong_2"])],
        (*JOBS, 0, "config", "output_datasets"),
        "at most 1",
    ),
    "a field that nobody knows": ([job("one", "select 1 as n", "wrong", mode="all")], (*JOBS, 0, "config", "mode"), ""),
    "an upsert by nothing": (
        [job("one", "select 1 as n", "wrong", write_mode="upsert")],
        (*JOBS, 0, "config", "row_unique_identifier"),
        "The block one: row_unique_identifier: nothing",
    ),
    "a limit that is no size": (
        [job("one", "select 1 as n", "wrong", memory_limit="much")],
        (*JOBS, 0, "config", "memory_limit"),
        "The block one: memory_limit: ",
    ),
    "a limit that is no text": (
        [job("one", "select 1 as n", "wrong", memory_limit=[])],
        (*JOBS, 0, "config", "memory_limit"),
        "a number of bytes, or text",
    ),
    "an identifier that is empty": (
        [job("one", "select 1 as n", "wrong", row_unique_identifier=["id", ""])],
        (*JOBS, 0, "config", "row_unique_identifier", 1),
        "at least 1",
    ),
    "an input that is described and has no name": (
        [job("one", "select 1 as n", "wrong", input_datasets=[{"name": "a b"}])],
        (*JOBS, 0, "config", "input_datasets", 0, "name"),
        "pattern",
    ),
    "an input that is a number": (
        [job("one", "select 1 as n", "wrong", input_datasets=[7])],
        (*JOBS, 0, "config", "input_datasets", 0),
        "the name of a dataset, or an object",
    ),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_what_is_wrong_is_named_and_nothing_is_written(served: Served, wrong: str) -> None:
    jobs, place, said = WRONG[wrong]
    before = remembered(served)
    answer = served.client().post("/pipelines/", json=stories.body("wrong", jobs))
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["loc"]) == (422, [*place])
    assert said in fault["msg"]
    assert remembered(served) == before


def test_wrong_steps_leave_a_pipeline_as_it_is(served: Served) -> None:
    made, client = stories.made(served), served.client()
    before = remembered(served)
    for wrong in WRONG:
        answer = client.post(f"/pipelines/{made['id']}/versions/", json={"jobs": WRONG[wrong][0]})
        assert answer.status_code == 422
        assert answer.json()["detail"][0]["loc"] == ["body", *WRONG[wrong][1][2:]]
    assert client.get(f"/pipelines/{made['id']}").json() == made
    assert remembered(served) == before


@pytest.mark.parametrize(
    ("change", "place"),
    [
        (lambda body: body.pop("name"), ("body", "name")),
        (lambda body: body.update(name=" "), ("body", "name")),
        (lambda body: body.update(name="!?"), ("body", "name")),
        (lambda body: body.update(name="n" * 201), ("body", "name")),
        (lambda body: body.update(description=7), ("body", "description")),
        (lambda body: body.update(describtion="of a story"), ("body", "describtion")),
        (lambda body: body.pop("pipeline_config"), ("body", "pipeline_config")),
        (lambda body: body.update(pipeline_config=[]), ("body", "pipeline_config")),
    ],
)
def test_a_pipeline_needs_a_name_and_steps(
    served: Served, change: Callable[[dict[str, Any]], Any], place: tuple[str, ...]
) -> None:
    body, before = stories.body("wrong", stories.stream(served)), remembered(served)
    change(body)
    assert stories.refused(served.client().post("/pipelines/", json=body), *place)
    assert remembered(served) == before


def test_of_very_many_faults_some_are_told(served: Served) -> None:
    crowd = job("one", "select 1 as n", "wrong", **{f"field_{n}": n for n in range(5_000)})
    answer = served.client().post("/pipelines/", json=stories.body("wrong", [crowd]))
    assert stories.refused(answer, *JOBS, 0, "config", "field_0")
    assert len(answer.content) < 20_000


@pytest.mark.parametrize("sent", [b"", b"{", b"[1]", b'{"name": NaN}', b'{"name": "a", "name": "b"}', b"\xff"])
def test_a_body_that_is_no_object_of_json_is_refused(served: Served, sent: bytes) -> None:
    stories.refused(served.client().post("/pipelines/", content=sent), "body")


def remembered(served: Served) -> Any:
    """All that a pipeline could have left: rows, files, versions laid out."""
    home, store = served.app.settings.home, served.app.store
    places = {*(home / "authored").rglob("*"), *(home / "versions").glob("*")}
    return [(row, store.pipelines.versions(row.id, 100)) for row in store.pipelines.all()], places
