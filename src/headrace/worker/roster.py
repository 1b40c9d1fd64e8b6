"""Roster: who there is below the supervisor, by workplace, and which attempts run where."""

import itertools
from collections.abc import Callable

from headrace.worker import wire
from headrace.worker.child import Child
from headrace.worker.crew import Crew
from headrace.worker.nursery import Nursery

CREWS = 4  # workplaces whose workers are kept while there is nothing to do for them

Member = Child | Nursery


class Roster:
    """The crews, and by attempt what is `running`."""

    def __init__(self, new_crew: Callable[[wire.Workplace], Crew]) -> None:
        self.running: dict[str, tuple[Crew, Child]] = {}
        self._crews: dict[bytes, Crew] = {}  # the last used is the last
        self._new_crew = new_crew
        self._numbers = itertools.count()

    @property
    def crews(self) -> list[Crew]:
        return list(self._crews.values())

    @property
    def members(self) -> list[tuple[Crew, Member]]:
        return [(crew, each) for crew in self.crews for each in (*crew.children, *crew.nurseries)]

    @property
    def placed(self) -> int:
        """How many that run have a place: those that wait for other runs have none."""
        return sum(child.has_place for _, child in self.running.values())

    def take(self, task: wire.Task) -> None:
        """The task waits from now on, behind all that came before."""
        key = wire.encode(task.workplace)
        self._crews[key] = crew = self._crews.pop(key, None) or self._new_crew(task.workplace)
        crew.take(next(self._numbers), task)

    def withdraw(self, attempt: str) -> wire.Task | None:
        """The task of that attempt, if it waits; it does so no more."""
        for crew in self.crews:
            for number, task in crew.waiting.items():
                if task.attempt == attempt:
                    return crew.waiting.pop(number)
        return None

    def next_start(self) -> tuple[Crew, Child, int] | None:
        """The first that came of the tasks for which there is a worker: that worker, and the task's number."""
        starts = [(*start, crew) for crew in self._crews.values() if (start := crew.next_start())]
        if not starts:
            return None
        number, child, crew = min(starts, key=lambda each: each[0])
        return crew, child, number

    def find(self, pid: int) -> tuple[Crew, Member] | None:
        """Whose process that is. It may be that of a newborn which has not been heard yet."""
        return self._known(pid) or (self.hear_newborns(), self._known(pid))[1]

    def hear_newborns(self) -> None:
        """Whoever is a child of this process by now has said who it is, before it became one."""
        for _, each in self.members:
            if each.pid is None and not each.gone:
                each.listen()

    def rest_oldest(self) -> None:
        """Keeps workers for the workplaces used last, and forgets those of which nothing is left."""
        beyond = sum(not crew.resting for crew in self._crews.values()) - CREWS
        for key, crew in list(self._crews.items()):
            if crew.resting and crew.empty:
                del self._crews[key]
            elif beyond > 0 and crew.quiet:
                crew.rest()
                beyond -= 1

    def _known(self, pid: int) -> tuple[Crew, Member] | None:
        return next(((crew, each) for crew, each in self.members if each.pid == pid), None)
