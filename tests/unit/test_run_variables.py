"""The variables of a block of a run that a trigger began: who wins, name by name, and what the interval is."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from headrace.engine import variables
from headrace.model import slot as slots
from headrace.model.pipeline import Block, BlockType, Pipeline
from headrace.model.run import BlockRun, BlockStatus, Occasion, Run, RunStatus
from headrace.model.slot import Slot

DAY = timedelta(days=1)
AT = datetime(2026, 3, 1, 7, 8, 9, 10, tzinfo=UTC)
BLOCK = Block("load", BlockType.DATA_LOADER)
ROW = BlockRun(7, "u", 5, "load", BlockStatus.RUNNING, "")
SLOT = Slot(AT, AT + DAY, DAY.total_seconds(), AT - DAY)
SAID: dict[str, Any] = {
    "ds": "2026-03-01",
    "hr": "07",
    "env": "prod",
    "event": {},
    "execution_date": AT,
    "execution_partition": "3/20260301T070809",
    "pipeline_run_id": 5,
    "trigger_name": "nightly",
}


def of(
    pipeline: dict[str, Any] | None = None,
    trigger: dict[str, Any] | None = None,
    run: dict[str, Any] | None = None,
    event: dict[str, Any] | None = None,
    interval: str | None = "@daily",
    slot: Slot | None = SLOT,
) -> dict[str, Any]:
    made = Run(
        5, "u", 1, 1, 1, RunStatus.RUNNING, "", run or {}, AT, AT,
        trigger_id=3, occasion=Occasion("nightly", interval, trigger or {}, slot), event_variables=event,
    )  # fmt: skip
    return variables.of(Pipeline("daily", variables=pipeline or {}), BLOCK, made, ROW, "/projects/demo")


RANKS = ["event", "pipeline", "trigger", "run"]  # each wins over those before it


@pytest.mark.parametrize("has", range(1, 16))
def test_of_those_who_have_a_name_the_highest_wins(has: int) -> None:
    given = {rank: {"name": rank, f"of_{rank}": 1} for n, rank in enumerate(RANKS) if has & 1 << n}
    found = of(**given)  # type: ignore[arg-type]
    assert found["name"] == next(rank for rank in reversed(RANKS) if rank in given)
    assert all(found[f"of_{rank}"] == 1 for rank in given), "what only one of them has is there, whoever it is"


@pytest.mark.parametrize("name", [*SAID, "configuration", "pipeline_uuid", "block_uuid", "repo_path", "retry"])
def test_what_the_run_itself_says_wins_over_all(name: str) -> None:
    plain = of()[name]
    for rank in RANKS:
        if (rank, name) not in {("run", "execution_partition"), ("event", "event")}:
            assert of(**{rank: {name: "mine"}})[name] == plain, rank  # type: ignore[arg-type]


def test_the_run_says_what_it_is() -> None:
    found = of()
    assert {name: found[name] for name in SAID} == SAID


def test_a_partition_that_was_given_stays() -> None:
    assert of(run={"execution_partition": "3/x"})["execution_partition"] == "3/x"


def test_the_event_is_that_of_the_run_with_what_came_with_the_call() -> None:
    assert of(run={"event": {"a": 1, "b": 1}}, event={"b": 2, "env": "dev"})["event"] == {"a": 1, "b": 2, "env": "dev"}
    assert of(run={"event": "text"}, event={"b": 2})["event"] == {"b": 2}
    found = of(event={"env": "dev", "other": 1})
    assert (found["env"], found["other"]) == ("prod", 1), "a name that the run itself says is not the event's"


def test_a_time_trigger_s_run_has_the_interval_of_its_slot() -> None:
    found = of(pipeline={"interval_seconds": 1})
    assert {name: value for name, value in found.items() if name.startswith("interval")} == {
        "interval_start_datetime": AT,
        "interval_end_datetime": AT + DAY,
        "interval_seconds": 86400.0,
        "interval_start_datetime_previous": AT - DAY,
    }


@pytest.mark.parametrize(("interval", "slot"), [(None, SLOT), ("@once", Slot(AT)), ("@daily", None)])
def test_a_run_without_a_slot_has_no_interval(interval: str | None, slot: Slot | None) -> None:
    assert not [name for name in of(interval=interval, slot=slot) if name.startswith("interval")]


def test_a_backfill_s_run_has_the_interval_that_it_keeps_as_moments() -> None:
    kept = slots.variables(SLOT)
    assert kept["interval_start_datetime"] == AT.isoformat(), "as text, since it is kept as JSON"
    found = of(run=kept, interval=None, slot=SLOT)
    assert (found["interval_start_datetime"], found["interval_end_datetime"]) == (AT, AT + DAY)
    assert (found["interval_start_datetime_previous"], found["interval_seconds"]) == (AT - DAY, 86400.0)


def test_an_interval_that_somebody_gave_stays_as_he_gave_it_where_it_says_no_moment() -> None:
    found = of(run={"interval_start_datetime": "soon", "interval_end_datetime": None})
    assert (found["interval_start_datetime"], found["interval_end_datetime"]) == ("soon", None)
    assert "interval_seconds" not in found
