"""The keyword arguments of a block, and which of two of one name wins."""

from datetime import UTC, datetime

from headrace.engine import variables
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import BlockRun, BlockStatus, Run, RunStatus

AT = datetime(2026, 3, 1, 7, 8, 9, 10, tzinfo=UTC)
BLOCK = Block("load", BlockType.DATA_LOADER, configuration={"limit": 3})


def of(pipeline: dict[str, object], run: dict[str, object], failures: int = 0) -> dict[str, object]:
    row = BlockRun(7, "u", 5, "load", BlockStatus.RUNNING, "", attempt=9, failures=failures)
    made = Run(5, "u", 1, 1, 1, RunStatus.RUNNING, "", run, AT, AT)
    return variables.of(Pipeline("daily", variables=pipeline), BLOCK, made, row, "/projects/demo")


def test_the_run_says_what_it_is() -> None:
    assert of({}, {}) == {
        "ds": "2026-03-01",
        "hr": "07",
        "env": "prod",
        "event": {},
        "execution_date": AT,
        "execution_partition": "20260301T070809_000010",
        "pipeline_run_id": 5,
        "trigger_name": None,
        "configuration": {"limit": 3},
        "pipeline_uuid": "daily",
        "block_uuid": "load",
        "repo_path": "/projects/demo",
        "retry": {"attempts": 1},
    }


def test_the_run_wins_over_the_pipeline_and_the_facts_over_both() -> None:
    given = of({"a": 1, "b": 1, "env": "mine"}, {"b": 2, "ds": "yesterday"})
    assert (given["a"], given["b"], given["env"], given["ds"]) == (1, 2, "prod", "2026-03-01")


def test_tries_are_counted_by_failures_not_by_attempts_lost() -> None:
    assert of({}, {}, failures=2)["retry"] == {"attempts": 3}
