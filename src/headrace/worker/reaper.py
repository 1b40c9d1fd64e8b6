"""Reaper: takes note of every process that has died, and answers for the attempts that died with theirs.

An attempt is answered for once nothing is left of it. What its worker had started fell to this process when the worker
died: a child that is neither worker nor template is such a stray, and is ended.
"""

import contextlib
import os
from collections.abc import Callable
from dataclasses import dataclass

from headrace import clock
from headrace.worker import pool, processes, verdicts, wire
from headrace.worker.child import Child
from headrace.worker.crew import Crew
from headrace.worker.loop import Loop
from headrace.worker.roster import Roster

LOOK = 0.1  # seconds between two looks for what is left of the dead
RECOUNT = 1.0  # seconds after which the kernel's count of processes killed for want of memory is read anew
UNKILLABLE = 5.0  # seconds after which a process that does not go away is no longer waited for


@dataclass(eq=False)
class _Death:
    crew: Crew
    child: Child
    verdict: wire.Finished
    since: float


class Reaper:
    """`answer` is called with what an attempt's worker did not say any more."""

    def __init__(self, loop: Loop, roster: Roster, answer: Callable[[wire.Finished | wire.Profiled], None]) -> None:
        self._loop = loop
        self._roster = roster
        self._answer = answer
        self._deaths: list[_Death] = []
        self._oom_kills = processes.oom_kills()
        self._counted = clock.monotonic()

    @property
    def mourns(self) -> bool:
        """There is an attempt to be answered for."""
        return bool(self._deaths)

    def note_start(self) -> None:
        """A task starts: what the kernel killed long before for want of memory was not its worker."""
        if clock.monotonic() - self._counted > RECOUNT:
            self._oom_killed()

    def reap(self) -> None:
        """To be called when a child may have died, and while there is one to mourn."""
        with contextlib.suppress(ChildProcessError):
            while (dead := os.waitpid(-1, os.WNOHANG))[0]:
                self._gone(*dead)
        strays = self._strays()
        for stray in strays:
            processes.kill_tree(stray)
        for death in list(self._deaths):
            if not strays or clock.monotonic() - death.since > UNKILLABLE:
                self._deaths.remove(death)
                self._bury(death)

    def _gone(self, pid: int, status: int) -> None:
        match self._roster.find(pid):
            case crew, Child() as child:
                self._child_gone(crew, child, status)
            case crew, nursery:
                crew.nursery_gone(nursery)
            case None:
                pass  # a stray

    def _child_gone(self, crew: Crew, child: Child, status: int) -> None:
        child.pid, child.gone = None, True
        child.channel.note_unread()
        child.listen()  # what it said before
        if child.task is None:
            self._forget(crew, child, f"it ended with {verdicts.end_of(status)}")
        elif child.channel.undelivered and child.verdict is None and not child.has_asked:
            self._start_elsewhere(crew, child, child.task)
        else:
            child.state = pool.State.ENDING
            verdict = child.verdict or verdicts.ended(child.task, status, self._oom_killed())
            self._deaths.append(_Death(crew, child, verdict, clock.monotonic()))
            self._look_again()

    def _look_again(self) -> None:
        """A turn of the loop every now and then while there is one to mourn."""
        if self._deaths:
            self._loop.after(LOOK, self._look_again)

    def _start_elsewhere(self, crew: Crew, child: Child, task: wire.Task) -> None:
        """The block has not begun: the worker had died idle, and that was not known yet."""
        del self._roster.running[task.attempt]
        if child.deadline:
            child.deadline.cancel()
        self._forget(crew, child, "")
        crew.put_back(child.number, task)

    def _forget(self, crew: Crew, child: Child, why: str) -> None:
        crew.remove(child, why)
        if child.owed is not None:
            self._answer(wire.Profiled(attempt=child.owed, outputs=()))

    def _oom_killed(self) -> bool:
        """Whether the kernel killed anything for want of memory since this was last asked."""
        self._counted = clock.monotonic()
        before, self._oom_kills = self._oom_kills, processes.oom_kills()
        return self._oom_kills > before

    def _strays(self) -> set[int]:
        """Newborns are heard after the list of children is made, so that all on it are known who are not strays."""
        children = set(processes.children(os.getpid()))
        self._roster.hear_newborns()
        return children - {each.pid for _, each in self._roster.members}

    def _bury(self, death: _Death) -> None:
        child, failure = death.child, death.verdict.failure
        if child.verdict is None and failure:
            child.say(failure.message)
        del self._roster.running[death.verdict.attempt]
        self._answer(child.finish(death.verdict))
        death.crew.remove(child, "")
