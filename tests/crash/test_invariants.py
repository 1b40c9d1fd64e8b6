"""Each invariant, fed with a history that keeps it and with one that breaks it."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.crash import invariants
from tests.crash.history import Attempt, BlockRun, Event, History, Kept, Line, Run, Tally
from tests.crash.mill import Mill, Shape

from headrace.model.output import Output

TWO = Shape("two", {"sow": [], "bake": ["sow"]}, runs=1, at_once=1, each={"bake": 1})
MILL = Mill({"two": TWO}, at_once=2)


class Told:
    """A history in the making: one run after the other, each with `sow` and, after a failed attempt of it, `bake`."""

    def __init__(self) -> None:
        self.runs: list[Run] = []
        self.block_runs: list[BlockRun] = []
        self.attempts: list[Attempt] = []
        self.events: list[Event] = []
        self.outputs: list[Kept] = []
        self.tallies: list[Tally] = []
        self.ledger: list[Line] = []

    def history(self) -> History:
        return History(
            mill=MILL,
            accepted=[run.id for run in self.runs],
            runs=self.runs,
            block_runs=self.block_runs,
            attempts=self.attempts,
            events=self.events,
            outputs=self.outputs,
            tallies=self.tallies,
            ledger=self.ledger,
            load=lambda output: (
                {"attempt": output.name, "nonce": f"nonce of {output.name}"},
                f"hash of {output.name}",
            ),
        )

    def run(self, run_id: int) -> None:
        self.runs.append(Run(id=run_id, uid=f"run{run_id}", pipeline="two", status="completed"))
        self.block_runs.append(BlockRun(id=run_id * 10, run_id=run_id, block="sow", status="completed", attempt=1))
        self.block_runs.append(BlockRun(id=run_id * 10 + 1, run_id=run_id, block="bake", status="completed", attempt=2))
        self.event(run_id, None, None, "run.create", "initial")
        self.event(run_id, None, None, "run.start", "running")
        self.event(run_id, "sow", 0, "block.queue", "queued")
        self.attempt(run_id, "sow", 1, "completed")
        self.event(run_id, "bake", 0, "block.queue", "queued")
        self.attempt(run_id, "bake", 1, "failed")
        self.attempt(run_id, "bake", 2, "completed", handed=True)
        self.event(run_id, None, None, "run.end", "completed")

    def attempt(self, run_id: int, block: str, number: int, status: str, *, handed: bool = False) -> None:
        uid = f"{run_id}.{block}.{number}"
        row = run_id * 10 + (block == "bake")
        reason = "returned" if status == "completed" else "raised"
        self.attempts.append(Attempt(uid=uid, block_run_id=row, number=number, status=status, reason=reason))
        if handed:
            self.event(run_id, block, number, "block.hand", "queued")
        self.event(run_id, block, number, "block.start", "running")
        above = [{"attempt": f"{run_id}.sow.1", "nonce": f"nonce of {run_id}.sow.1"}] if block == "bake" else []
        self.line(run_id, block, number, "began", read=above, recorded=True)
        if status == "completed":
            self.line(run_id, block, number, "ended", nonce=f"nonce of {uid}")
            output = Output(name=uid, kind="dict", codec="json", path=uid, bytes=1, hash=f"hash of {uid}")
            self.outputs.append(Kept(attempt=uid, output=output))
            self.event(run_id, block, number, "block.complete", "completed")
        else:
            self.line(run_id, block, number, "raised")
            self.event(run_id, block, number, "block.retry", "queued")

    def event(self, run_id: int, block: str | None, attempt: int | None, kind: str, status: str) -> None:
        number = len(self.events) + 1
        self.events.append(
            Event(id=number, run_id=run_id, block=block, attempt=attempt, kind=kind, status=status, at=number)
        )

    def line(self, run_id: int, block: str, number: int, what: str, **more: Any) -> None:
        uid = f"{run_id}.{block}.{number}"
        place = len(self.ledger)
        self.ledger.append(
            Line(place=place, run=f"run{run_id}", block=block, attempt=uid, number=number, what=what, **more)
        )


@pytest.fixture
def told() -> Told:
    made = Told()
    made.run(1)
    made.run(2)
    made.tallies.append(Tally(pipeline="two", trigger=None, status="completed", runs=2))
    return made


def test_a_sound_history_breaks_nothing(told: Told) -> None:
    assert invariants.broken(told.history()) == []


Break = Callable[[Told], object]


def change(many: list[Any], where: Callable[[Any], bool], **facts: Any) -> None:
    """The first of them that is so, with other facts."""
    place = next(place for place, each in enumerate(many) if where(each))
    many[place] = replace(many[place], **facts)


def lose_the_run(told: Told) -> None:
    told.runs[1] = replace(told.runs[1], id=9)
    told.block_runs, told.attempts, told.outputs = told.block_runs[:2], told.attempts[:3], told.outputs[:2]
    told.events = [event for event in told.events if event.run_id == 1]
    told.ledger = [line for line in told.ledger if line.run == "run1"]


def swap(many: list[Any], one: Callable[[Any], bool], other: Callable[[Any], bool]) -> None:
    """The two change places, and keep the ids of the places."""
    places = [next(place for place, each in enumerate(many) if which(each)) for which in (one, other)]
    first, second = (many[place] for place in places)
    keys = ("id", "at") if isinstance(first, Event) else ("place",)
    many[places[0]] = replace(second, **{key: getattr(first, key) for key in keys})
    many[places[1]] = replace(first, **{key: getattr(second, key) for key in keys})


def of(block: str | None, kind: str, number: int | None = None, run: int = 1) -> Callable[[Event], bool]:
    return lambda event: (
        (event.run_id, event.block, event.kind) == (run, block, kind) and number in (None, event.attempt)
    )


def said(block: str, what: str, number: int = 1, run: int = 1) -> Callable[[Line], bool]:
    return lambda line: (line.run, line.block, line.what, line.number) == (f"run{run}", block, what, number)


def uid_is(uid: str) -> Callable[[Any], bool]:
    return lambda each: getattr(each, "uid", getattr(each, "attempt", None)) == uid


BREAKS: dict[str, list[tuple[str, Break]]] = {
    "no_run_is_lost": [
        ("run 9", lambda t: t.runs.append(Run(id=9, uid="9", pipeline="two", status="running", ended=False))),
        ("run 2 is completed", lambda t: change(t.runs, lambda run: run.id == 2, ended=False)),
    ],
    "a_final_run_has_only_final_blocks": [
        ("its bake is queued", lambda t: change(t.block_runs, lambda row: row.id == 11, status="queued")),
        ("attempt 2 is running", lambda t: change(t.attempts, uid_is("1.bake.2"), status="running")),
    ],
    "a_completed_run_completed_all": [
        ("its sow is cancelled", lambda t: change(t.block_runs, lambda row: row.id == 10, status="cancelled")),
    ],
    "an_attempt_begins_at_most_once": [
        ("run run1, sow, attempt 1", lambda t: t.line(1, "sow", 1, "began")),
        ("1.sow.1 ended", lambda t: t.line(1, "sow", 1, "ended")),
    ],
    "an_attempt_is_recorded_before_it_begins": [
        ("1.bake.3", lambda t: t.line(1, "bake", 3, "began")),
        ("before it was recorded", lambda t: change(t.ledger, said("bake", "began"), recorded=False)),
        ("it is recorded as run 1, bake, attempt 2", lambda t: change(t.ledger, said("bake", "began", 2), number=3)),
        ("it is recorded as run 1, sow", lambda t: change(t.ledger, said("sow", "began"), run="run2")),
    ],
    "attempts_do_not_overlap": [
        ("processes of an earlier attempt", lambda t: t.line(1, "bake", 2, "overlap")),
        ("raised after attempt 2", lambda t: swap(t.ledger, said("bake", "raised"), said("bake", "began", 2))),
    ],
    "numbers_rise_by_one": [
        ("attempts [1, 3]", lambda t: change(t.attempts, uid_is("1.bake.2"), number=3)),
        ("at attempt 3", lambda t: change(t.block_runs, lambda row: row.id == 11, attempt=3)),
    ],
    "runs_move_as_they_may": [
        ("goes from completed to running", lambda t: t.event(1, None, None, "run.start", "running")),
        ("its events say completed", lambda t: change(t.runs, lambda run: run.id == 1, status="failed")),
    ],
    "block_runs_move_as_they_may": [
        ("goes from completed to running", lambda t: t.event(1, "bake", 2, "block.start", "running")),
        ("from queued to completed", lambda t: t.events.remove(next(filter(of("sow", "block.start"), t.events)))),
        ("events say completed at 2", lambda t: change(t.block_runs, lambda row: row.id == 11, status="failed")),
        (
            "block.start goes from attempt 1 to 3",
            lambda t: (
                t.events.remove(next(filter(of("bake", "block.hand", 2), t.events))),
                change(t.events, of("bake", "block.start", 2), attempt=3),
            ),
        ),
    ],
    "an_attempt_has_one_outcome": [
        ("is failed, and its events", lambda t: change(t.attempts, uid_is("1.sow.1"), status="failed")),
        ("'block.complete', 'block.fail'", lambda t: t.event(1, "sow", 1, "block.fail", "failed")),
        (
            "is completed, and its events say ['block.retry']; attempts [1] were fenced",
            lambda t: (
                t.event(1, "bake", 1, "attempt.fenced", "completed"),
                change(t.attempts, uid_is("1.bake.1"), status="completed"),
            ),
        ),
    ],
    "outcomes_are_true": [
        ("never returned", lambda t: t.ledger.remove(next(filter(said("bake", "ended", 2), t.ledger)))),
        ("never raised", lambda t: t.ledger.remove(next(filter(said("bake", "raised", 1), t.ledger)))),
    ],
    "what_was_fenced_was_refused": [
        ("is not recorded", lambda t: t.event(1, "bake", 7, "attempt.fenced", "completed")),
        ("has an output", lambda t: t.outputs.append(replace(t.outputs[0], attempt="1.bake.1"))),
    ],
    "one_run_for_each_key": [
        ("the key k", lambda t: [change(t.runs, lambda r, i=i: r.id == i, variables={"key": "k"}) for i in (1, 2)]),
    ],
    "one_run_for_each_fire_time": [
        (
            "trigger 5 at noon",
            lambda t: [change(t.runs, lambda r, i=i: r.id == i, trigger=5, fire_time="noon") for i in (1, 2)],
        ),
    ],
    "limits_hold": [
        ("over the limit RUN", lambda t: t.line(1, "bake", 2, "over", limit="RUN")),
        ("two allows 1", lambda t: swap(t.events, of(None, "run.end"), of(None, "run.start", run=2))),
        ("run 1 allows 1", lambda t: swap(t.events, of("sow", "block.complete"), of("bake", "block.start", 1))),
        ("two.bake allows 1", lambda t: swap(t.events, of("bake", "block.complete"), of("bake", "block.start", 1, 2))),
        (
            "the project allows 2",
            lambda t: (
                swap(t.events, of("sow", "block.complete"), of("bake", "block.start", 1, 2)),
                swap(t.events, of("bake", "block.retry"), of("bake", "block.start", 2, 2)),
            ),
        ),
    ],
    "blocks_start_after_their_upstreams": [
        ("sow was running", lambda t: swap(t.events, of("sow", "block.complete"), of("bake", "block.start", 1))),
        ("sow was initial", lambda t: change(t.events, of("bake", "block.start", 1), run_id=2, id=0)),
    ],
    "blocks_read_what_was_recorded": [
        ("read [], not", lambda t: change(t.ledger, said("bake", "began"), read=())),
        (
            "what that did not return",
            lambda t: change(t.ledger, said("bake", "began"), read=[{"attempt": "1.sow.1", "nonce": "another"}]),
        ),
    ],
    "counts_are_true": [
        (
            "2 runs of two, trigger None, are completed, and 1 are counted",
            lambda t: change(t.tallies, lambda _: True, runs=1),
        ),
        ("2 runs of two, trigger None, are completed, and 0 are counted", lambda t: t.tallies.clear()),
        (
            "0 runs of two, trigger None, are failed, and 2 are counted",
            lambda t: change(t.tallies, lambda _: True, status="failed"),
        ),
    ],
    "outputs_of_the_completed_can_be_read": [
        ("has no output", lambda t: t.outputs.pop(0)),
        (
            "not what was kept",
            lambda t: change(t.outputs, uid_is("1.sow.1"), output=replace(t.outputs[0].output, hash="x")),
        ),
        ("another's", lambda t: change(t.outputs, uid_is("1.sow.1"), output=t.outputs[1].output)),
    ],
}


@pytest.mark.parametrize(
    ("name", "message", "deed"),
    [pytest.param(name, *each, id=f"{name}-{n}") for name, many in BREAKS.items() for n, each in enumerate(many)],
)
def test_what_breaks_an_invariant_is_told(told: Told, name: str, message: str, deed: Break) -> None:
    deed(told)
    found = [*invariants.ALL[name](told.history())]
    assert any(message in each for each in found), found


def test_a_run_that_was_accepted_and_is_not_there(told: Told) -> None:
    lose_the_run(told)
    history = replace(told.history(), accepted=[1, 2])
    assert "run 2 was accepted and is not there" in [*invariants.no_run_is_lost(history)]


def test_an_output_that_cannot_be_read(told: Told) -> None:
    def refuse(_: Output) -> Any:
        raise OSError("gone")

    found = [*invariants.outputs_of_the_completed_can_be_read(replace(told.history(), load=refuse))]
    assert found[0] == "run 1, sow, attempt 1 is completed and its output cannot be read: gone"


def test_what_ends_in_a_turn_makes_room_for_what_begins_in_it(told: Told) -> None:
    end, start = of(None, "run.end"), of(None, "run.start", run=2)
    swap(told.events, end, start)
    assert [*invariants.limits_hold(told.history())] != []
    change(told.events, end, at=next(filter(start, told.events)).at)
    assert [*invariants.limits_hold(told.history())] == []


def test_every_invariant_is_tried() -> None:
    assert set(BREAKS) == set(invariants.ALL)
