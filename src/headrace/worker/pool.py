"""Who of a workplace's workers is idle or busy, and what follows from it: whom to give a task, how many more to fork.

Decisions only; the crew carries them out.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import islice
from typing import TypeVar

from headrace.worker import wire

OLDEST = 500  # tasks; a worker is replaced after so many


class State(StrEnum):
    STARTING = "starting"  # asked for, not heard of
    IDLE = "idle"
    BUSY = "busy"
    CHECKING = "checking"  # its task is finished; it looks whether that left anything behind
    ENDING = "ending"  # killed, or told to end


@dataclass(eq=False)
class Worker:
    """What is known of one worker. `modules` is the very set of the template that it was forked from."""

    modules: frozenset[str] = frozenset()
    state: State = State.STARTING
    ran: int = 0  # tasks
    awaited: set[int] = field(default_factory=set[int])  # questions of its task that wait for other runs

    @property
    def has_place(self) -> bool:
        """Whether it counts among those that run at once: one whose block waits for another run does not."""
        return not self.awaited


W = TypeVar("W", bound=Worker)


def choose(workers: Iterable[W], task: wire.Task) -> W | None:
    """The idle worker that has most of what the task imports, and of those the most practised, so that untouched ones
    are left for tasks that must have one."""
    able = [each for each in workers if each.state is State.IDLE and not (task.fresh_process and each.ran)]
    return max(able, key=lambda each: (len(each.modules.intersection(task.imports)), each.ran), default=None)


def shortage(
    workers: Sequence[Worker], waiting: Collection[wire.Task], free: int, slots: int, held: frozenset[str]
) -> int:
    """How many workers to fork now: one for each waiting task that has a slot, and one to spare.

    `free` of the `slots` are not taken, none when it is negative. A worker that was not forked with `held`, what the template holds now, is no
    spare: it would import that again. A finished worker that is still checking counts, since as a rule it is idle at once.
    """
    coming = sum(each.state is State.STARTING for each in workers)
    ready = sum(each.state in (State.IDLE, State.CHECKING) and each.modules is held for each in workers)
    untouched = sum(each.state is State.IDLE and not each.ran for each in workers)
    next_ones = list(islice(waiting, max(free, 0)))
    wanted = len(next_ones) + 1 - ready - coming
    untouched_wanted = sum(task.fresh_process for task in next_ones) - untouched - coming
    room = 2 * slots + 1 - sum(each.state is not State.ENDING and each.has_place for each in workers)
    return max(0, min(max(wanted, untouched_wanted), room))


def surplus(workers: Sequence[W], slots: int, held: frozenset[str]) -> list[W]:
    """The idle workers to end: those not forked with what the template holds now, once there is one that was, and those
    beyond one more than the slots, the least practised first."""
    idle = [each for each in workers if each.state is State.IDLE]
    idle.sort(key=lambda each: (each.modules is held, each.ran))
    outdated = sum(each.modules is not held for each in idle)
    beyond = max(0, len(idle) - slots - 1)
    return idle[: max(beyond, outdated if outdated < len(idle) else 0)]
