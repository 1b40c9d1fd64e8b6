"""Which worker a task gets, and how many are forked and ended."""

from hypothesis import given
from hypothesis import strategies as st

from headrace.worker import pool, wire
from headrace.worker.pool import State, Worker

HELD = frozenset({"pandas"})
OTHER = frozenset({"polars"})
WORKPLACE = wire.Workplace(project="p", snapshot="/p", live="/p", cwd="/", environment={})


def task(imports: tuple[str, ...] = (), fresh: bool = False) -> wire.Task:
    facts = {"attempt": "a", "epoch": 1, "block": "b", "kind": "custom", "language": "python", "file": "b.py"}
    paths = {"place": "/o", "home": "/", "log": "/l"}
    return wire.Task(
        **facts, **paths, inputs=(), variables={}, workplace=WORKPLACE, imports=imports, fresh_process=fresh
    )


def worker(state: State = State.IDLE, ran: int = 0, modules: frozenset[str] = HELD) -> Worker:
    return Worker(modules=modules, state=state, ran=ran)


def test_only_an_idle_worker_is_chosen() -> None:
    others = [worker(state) for state in State if state is not State.IDLE]
    assert pool.choose(others, task()) is None
    idle = worker()
    assert pool.choose([*others, idle], task()) is idle


def test_the_one_with_the_modules_goes_before_the_practised_one() -> None:
    practised, fitting = worker(ran=9, modules=OTHER), worker()
    assert pool.choose([practised, fitting], task(("pandas",))) is fitting
    assert pool.choose([practised, fitting], task()) is practised


def test_a_fresh_process_has_run_nothing() -> None:
    used, untouched = worker(ran=1), worker()
    assert pool.choose([used, untouched], task(fresh=True)) is untouched
    assert pool.choose([used], task(fresh=True)) is None


def test_one_is_kept_to_spare() -> None:
    assert pool.shortage([worker(State.BUSY)], [], 1, 2, HELD) == 1
    assert pool.shortage([worker(State.BUSY), worker()], [], 1, 2, HELD) == 0
    assert pool.shortage([worker(State.BUSY), worker(State.STARTING)], [], 1, 2, HELD) == 0
    assert pool.shortage([worker(State.CHECKING)], [], 2, 2, HELD) == 0
    assert pool.shortage([worker(State.ENDING)], [], 2, 2, HELD) == 1


def test_one_without_the_modules_is_no_spare() -> None:
    assert pool.shortage([worker(modules=OTHER)], [], 2, 2, HELD) == 1


def test_what_waits_for_a_slot_needs_no_worker_yet() -> None:
    waiting = [task() for _ in range(9)]
    assert pool.shortage([worker(State.BUSY)], waiting, 1, 2, HELD) == 2
    assert pool.shortage([], waiting, 2, 2, HELD) == 3


def test_however_many_wait_for_other_runs_there_are_workers_for_the_next() -> None:
    wait = [worker(State.BUSY) for _ in range(20)]
    for each in wait:
        each.awaited.add(1)
    assert pool.shortage(wait, [task()], 1, 1, HELD) == 2
    assert pool.shortage(wait, [task()], -3, 1, HELD) == 1, "more run than have a place"


def test_a_task_for_a_fresh_process_needs_an_untouched_one() -> None:
    assert pool.shortage([worker(ran=3), worker(ran=4)], [task(fresh=True)], 2, 2, HELD) == 1
    assert pool.shortage([worker(ran=3), worker()], [task(fresh=True)], 2, 2, HELD) == 0


def test_outdated_ones_end_when_there_is_another() -> None:
    outdated = worker(modules=OTHER, ran=5)
    assert pool.surplus([outdated], 2, HELD) == []
    assert pool.surplus([outdated, worker(State.STARTING)], 2, HELD) == []
    assert pool.surplus([outdated, worker()], 2, HELD) == [outdated]


def test_no_more_are_kept_than_can_be_used() -> None:
    idle = [worker(ran=ran) for ran in (3, 0, 2, 1)]
    assert pool.surplus(idle, 2, HELD) == [idle[1]]
    outdated = [worker(modules=OTHER) for _ in range(4)]
    assert len(pool.surplus(outdated, 2, HELD)) == 1


workers = st.lists(
    st.builds(worker, st.sampled_from(State), st.integers(0, 3), st.sampled_from([HELD, OTHER])), max_size=6
)


@given(workers, st.lists(st.booleans(), max_size=6), st.integers(1, 4))
def test_whatever_waits_gets_a_worker_in_the_end(now: list[Worker], fresh: list[bool], slots: int) -> None:
    """Forking what is short and ending what is too much, round after round, the first task finds its worker, and with
    the template's modules."""
    waiting = [task(fresh=each) for each in fresh] or [task()]
    for each in now:
        each.state = State.IDLE if each.state in (State.BUSY, State.CHECKING) else each.state
    for _ in range(4):
        for each in pool.surplus(now, slots, HELD):
            now.remove(each)
        now += [Worker(modules=HELD) for _ in range(pool.shortage(now, waiting, slots, slots, HELD))]
        now = [each for each in now if each.state is not State.ENDING]
        for each in now:
            each.state = State.IDLE
    assert pool.choose([each for each in now if each.modules is HELD], waiting[0])
    assert len(now) <= max(6, 2 * slots + 1)
