"""A run is asked for: once for each key, with what the caller gives it, of a trigger that becomes active by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.engine.clockwork import AT, DAY, HOUR, Clockwork, breaks

from headrace import errors
from headrace.engine import calls
from headrace.engine.calls import Call
from headrace.model.run import RunStatus
from headrace.model.trigger import TriggerSettings


def test_a_call_makes_a_run_on_the_trigger_s_terms(works: Clockwork) -> None:
    settings = TriggerSettings(timeout=1.5, allow_blocks_to_fail=True)
    trigger = works.create(None, variables={"n": 1, "m": 1}, sla=60, settings=settings)
    made = works.calls.run(trigger, Call(variables={"n": 2}, event_variables={"env": "dev"}), AT, activates=True)
    run = made.run
    assert made.made
    assert (run.trigger_id, run.execution_date, run.fire_time, run.reason) == (trigger.id, AT, None, "by a call")
    assert run.variables == {"n": 2, "execution_partition": f"{trigger.id}/20260302T120000_000000"}
    assert (run.occasion.variables, run.event_variables) == ({"n": 1, "m": 1}, {"env": "dev"})
    assert (run.settings, run.sla_at) == (settings.of_run, AT + timedelta(minutes=1))
    assert works.store.runs.get(run.id) == run


def test_a_call_may_say_what_date_it_speaks_for(works: Clockwork) -> None:
    trigger = works.create("@daily", sla=60)
    run = works.calls.run(trigger, Call(execution_date=AT - DAY), AT, activates=False).run
    assert (run.execution_date, run.sla_at) == (AT - DAY, AT - DAY + timedelta(minutes=1))
    assert run.occasion.slot
    assert (run.occasion.slot.execution_date, run.occasion.slot.interval_end) == (AT - DAY, AT)


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", "\x00"])
def test_a_key_is_short_and_can_be_printed(works: Clockwork, key: str) -> None:
    trigger = works.create(None)
    with pytest.raises(errors.BadCall, match="key of the call"):
        works.calls.run(trigger, Call(key=key), AT, activates=True)
    assert works.runs(trigger) == []


def test_calls_without_a_key_are_each_a_run(works: Clockwork) -> None:
    trigger = works.create(None)
    first, second = (works.calls.run(trigger, Call(), AT, activates=True) for _ in range(2))
    assert (first.made, second.made) == (True, True)
    assert first.run.id != second.run.id


def test_the_same_call_under_the_same_key_is_the_same_run(works: Clockwork) -> None:
    trigger, other = works.create(None), works.create(None, name="other")
    call = Call(variables={"n": 1, "m": 2}, event_variables={"x": [1]}, key="k")
    first = works.calls.run(trigger, call, AT, activates=True)
    reordered = Call(variables={"m": 2, "n": 1}, event_variables={"x": [1]}, key="k")
    again = works.calls.run(trigger, reordered, AT + HOUR, activates=True)
    assert (first.made, again.made, again.run.id) == (True, False, first.run.id)
    beside = works.calls.run(other, call, AT, activates=True)
    assert beside.made, "keys are a trigger's own"
    works.end(first.run, RunStatus.FAILED)
    assert works.calls.run(trigger, call, AT + DAY, activates=True).run.id == first.run.id


@pytest.mark.parametrize(
    "other",
    [
        {"variables": {"n": 2}},
        {"event_variables": {"n": 1}},
        {"execution_date": AT},
        {"variables": {"n": "1"}},
        {"event_variables": {}},
    ],
)
def test_another_call_under_that_key_is_refused(works: Clockwork, other: dict[str, Any]) -> None:
    trigger = works.create(None)
    works.calls.run(trigger, Call(variables={"n": 1}, key="k"), AT, activates=True)
    with pytest.raises(errors.KeyReused, match="key k "):
        works.calls.run(trigger, Call(**{"variables": {"n": 1}, "key": "k"} | other), AT, activates=True)
    assert len(works.runs(trigger)) == 1


def test_a_call_activates_what_it_may_and_waits_else(works: Clockwork) -> None:
    trigger = works.create(None, active=False)
    waiting = works.calls.run(trigger, Call(), AT, activates=False).run
    assert waiting.held
    assert not works.again(trigger).active
    run = works.calls.run(trigger, Call(), AT + HOUR, activates=True).run
    assert (run.held, works.store.runs.get(waiting.id).held) == (False, False)
    assert works.again(trigger).active


def test_what_cannot_be_run_is_refused_and_makes_nothing(works: Clockwork) -> None:
    trigger = works.create(None)
    breaks(works.folder, "daily")
    with pytest.raises(errors.BadInput):
        works.calls.run(trigger, Call(key="k"), AT, activates=True)
    assert works.runs(trigger) == []


@pytest.mark.parametrize("refused", ["broken", "paused"])
def test_a_call_that_is_refused_activates_nothing(works: Clockwork, refused: str) -> None:
    trigger = works.create(None, active=False)
    waiting = works.calls.run(trigger, Call(), AT, activates=False).run
    if refused == "broken":
        breaks(works.folder, "daily")
    else:
        works.store.pipelines.pause(trigger.pipeline_id, AT)
    with pytest.raises(errors.BadInput):
        works.calls.run(trigger, Call(), AT + HOUR, activates=True)
    assert not works.again(trigger).active
    assert works.store.runs.get(waiting.id).held


def test_a_call_that_has_its_run_already_activates_nothing_and_is_answered_whatever_has_become_of_the_pipeline(
    works: Clockwork,
) -> None:
    trigger = works.create(None, active=False)
    first = works.calls.run(trigger, Call(key="k"), AT, activates=True)
    assert works.again(trigger).active
    paused = works.registry.change(trigger.id, None, AT + HOUR, active=False)
    assert works.calls.run(paused, Call(key="k"), AT + HOUR, activates=True).run.id == first.run.id
    breaks(works.folder, "daily")
    again = works.calls.run(paused, Call(key="k"), AT + HOUR, activates=True)
    assert (again.run.id, again.made) == (first.run.id, False)
    with pytest.raises(errors.KeyReused):
        works.calls.run(paused, Call(variables={"n": 1}, key="k"), AT + HOUR, activates=True)
    assert not works.again(trigger).active


def test_a_deleted_trigger_cannot_be_called(works: Clockwork) -> None:
    trigger = works.create(None)
    works.store.triggers.delete(trigger.id, AT)
    with pytest.raises(errors.TriggerNotFound):
        works.calls.run(trigger, Call(), AT, activates=True)
    with pytest.raises(errors.TriggerNotFound):
        works.calls.run(works.again(trigger), Call(), AT, activates=False)
    assert works.runs(trigger) == []


# What a body asks for


def test_a_body_says_the_run_s_variables_and_the_event_s_beside_them() -> None:
    body = {"pipeline_run": {"variables": {"n": 1}}, "env": "dev", "deep": {"x": [1]}}
    assert calls.read(body, "k") == Call(
        variables={"n": 1}, event_variables={"env": "dev", "deep": {"x": [1]}}, key="k"
    )
    assert calls.read(None) == calls.read(None, None) == Call()
    assert calls.read({}) == Call(event_variables={})
    assert calls.read({"pipeline_run": None}) == calls.read({"pipeline_run": {"variables": None}}) == calls.read({})


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("2026-03-02", datetime(2026, 3, 2, tzinfo=UTC)),
        ("2026-03-02 12:00:00", AT),
        ("2026-03-02T12:00:00Z", AT),
        ("2026-03-02T14:00:00.5+02:00", AT + timedelta(seconds=0.5)),
    ],
)
def test_a_body_says_the_execution_date(written: str, meant: datetime) -> None:
    assert calls.read({"pipeline_run": {"execution_date": written}}).execution_date == meant


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"pipeline_run": []}, "pipeline_run"),
        ({"pipeline_run": "x"}, "pipeline_run"),
        ({"pipeline_run": {"variables": [1]}}, "pipeline_run.variables"),
        ({"pipeline_run": {"execution_date": "soon"}}, "pipeline_run.execution_date"),
        ({"pipeline_run": {"execution_date": 1}}, "pipeline_run.execution_date"),
        ({"pipeline_run": {"execution_date": "0001-01-01T00:00:00+14:00"}}, "pipeline_run.execution_date"),
    ],
)
def test_a_body_that_asks_for_nothing_that_is_there_is_refused(body: dict[str, Any], field: str) -> None:
    with pytest.raises(errors.BadCall, match=rf"^{field} of the call"):
        calls.read(body)
