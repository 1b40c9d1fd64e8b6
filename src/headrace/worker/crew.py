"""Crew: the workers of one workplace, the template they come from, and the tasks that wait for them."""

from collections.abc import Callable, Iterable

from headrace import clock
from headrace.worker import birth, pool, processes, template, wire
from headrace.worker.bounds import Bounds
from headrace.worker.child import Child
from headrace.worker.child import Said as ChildSaid
from headrace.worker.loop import Loop
from headrace.worker.nursery import Nursery
from headrace.worker.nursery import Said as NurserySaid

PATIENCE = 10.0  # seconds that a task waits for its modules in a template, before it runs without
SLOWEST = 60.0  # seconds within which a worker must serve, and a template have imported what it was asked to
TRIES = 3  # failures in a row before the tasks that wait are given up
_NOTHING: frozenset[str] = frozenset()


class Crew:
    """One workplace. What goes wrong here costs the tasks of this workplace, and no other's.

    `waiting` is in order of arrival, by arrival number. `failures` counts the times that no worker came to serve since
    a task was last finished; `trouble` says why. A crew at rest keeps no more than what is still ending.
    """

    def __init__(
        self, loop: Loop, workplace: wire.Workplace, bounds: Bounds, heard: Callable[[Child, list[ChildSaid]], None]
    ) -> None:
        self.waiting: dict[int, wire.Task] = {}
        self.children: list[Child] = []
        self.nurseries: list[Nursery] = []
        self.failures = 0
        self.trouble = ""
        self.resting = False
        self._trying = False  # for a worker, since the last failure
        self._loop = loop
        self._workplace = workplace
        self._bounds = bounds
        self._heard = heard
        self._nursery: Nursery | None = None
        self._successor: Nursery | None = None
        self._wanted: dict[str, None] = {}  # in the order in which they were asked for
        self._more_wanted = False
        self._refused: set[str] = set()

    @property
    def quiet(self) -> bool:
        """Nothing waits, runs or is about to."""
        done = pool.State.IDLE, pool.State.ENDING
        return not self.waiting and all(each.state in done and not each.task for each in self.children)

    @property
    def empty(self) -> bool:
        return not (self.waiting or self.children or self.nurseries)

    def take(self, number: int, task: wire.Task) -> None:
        self.waiting[number] = task
        self.resting = False
        if self.failures >= TRIES:
            self.failures, self.trouble = 0, ""
        self.want(task.imports)

    def want(self, modules: Iterable[str]) -> None:
        """Has the template import these, too, for the workers to come."""
        for module in modules:
            if module not in self._wanted:
                self._wanted[module] = None
                self._more_wanted = True
        self._grow()

    def next_start(self) -> tuple[int, Child] | None:
        """The number of the task that may start now, and on which worker."""
        for number, task in self.waiting.items():
            child = pool.choose(self.children, task)
            return (number, child) if child and not _gains(task, child.modules, self._soon) else None
        return None

    def balance(self, free: int) -> None:
        """Sees to it that there are workers for what waits, and one to spare; `free` slots are not taken."""
        for child in pool.surplus(self.children, self._bounds.workers, self._held):
            self.end(child)
        if self.resting or (self.failures and not self.waiting):
            return
        if self._nursery is None:
            self._start_nursery()
        self._grow()
        if not self._worth_waiting():
            waiting = self.waiting.values()
            for _ in range(pool.shortage(self.children, waiting, free, self._bounds.workers, self._held)):
                self._fork()

    def stumbles(self, child: Child, why: str) -> None:
        """That worker says that it cannot go on."""
        self.trouble = why
        if not child.ran:
            self._trying = True
            self._failed(why)

    def put_back(self, number: int, task: wire.Task) -> None:
        """It was taken for a worker that died before it had read the task."""
        self.waiting = {number: task, **self.waiting}

    def succeeds(self) -> None:
        """A worker has finished a task."""
        self.failures, self.trouble = 0, ""

    def end(self, child: Child) -> None:
        """Ends a worker that has no task."""
        child.state = pool.State.ENDING
        if child.pid is not None:
            processes.kill_tree(child.pid)

    def remove(self, child: Child, why: str) -> None:
        """Forgets a worker that is gone; `why` matters when it never came to serve."""
        if child.state is pool.State.STARTING:
            self._failed(why)
        child.close()
        self.children.remove(child)

    def nursery_gone(self, nursery: Nursery) -> None:
        """That template's process is gone; what it had begun to import is not tried again."""
        nursery.pid, nursery.gone = None, True
        nursery.listen()
        if nursery is self._successor:
            self._refuse(nursery, nursery.importing)
        if nursery is self._nursery:
            self._failed("its template ended")
        self._forget(nursery)

    def rest(self) -> None:
        """Ends what only waits for tasks of this workplace."""
        self.resting = True
        for child in self.children:
            if child.state is pool.State.IDLE:
                self.end(child)
        if self._successor:
            self._drop(self._successor)
        if self._nursery:
            self._nursery.close()
        self._nursery, self._more_wanted = None, True

    def overdue(self, child: Child) -> None:
        """If it still does not serve, it and its template are replaced."""
        if child.state is not pool.State.STARTING or child not in self.children:
            return
        why = f"it did not start within {SLOWEST:g} seconds"
        if child.pid is None:
            self.remove(child, why)
        else:
            self._failed(why)
            self.end(child)
        if self._nursery:
            self._nursery.kill()
            self._nursery, self._more_wanted = None, True

    @property
    def _held(self) -> frozenset[str]:
        return self._nursery.held if self._nursery else _NOTHING

    @property
    def _soon(self) -> frozenset[str]:
        """What workers to come will hold, as far as it is worth waiting for them."""
        if self._successor and clock.monotonic() - self._successor.since < PATIENCE:
            return self._successor.held
        return _NOTHING if self.failures else self._held

    def _worth_waiting(self) -> bool:
        """A template with more modules is coming, and nobody needs a worker before: spares made now would be outdated."""
        soon = self._soon
        return self._successor is not None and all(_gains(task, self._held, soon) for task in self.waiting.values())

    def _start_nursery(self) -> None:
        self._trying = True
        try:
            nursery = Nursery(self._loop, self._nursery_said)
            nursery.start(self._workplace, self._bounds.profile_seconds)
        except OSError as error:
            self._failed(str(error))
        else:
            self._nursery = nursery
            self.nurseries.append(nursery)

    def _grow(self) -> None:
        if not self._more_wanted or self._nursery is None or self._successor is not None:
            return
        self._more_wanted = False
        wanted = tuple(each for each in self._wanted if not self._is_refused(each))
        if self._held.issuperset(wanted):
            return
        try:
            successor = Nursery(self._loop, self._nursery_said, wanted)
            self._nursery.grow(successor)
        except OSError as error:
            self._failed(str(error))
            return
        self._successor = successor
        self.nurseries.append(successor)
        self._loop.after(PATIENCE, lambda: None)  # so that the matter is looked at again then
        self._loop.after(SLOWEST, lambda: self._give_up(successor))

    def _nursery_said(self, nursery: Nursery, said: NurserySaid) -> None:
        match said:
            case template.Grown() if nursery is self._successor:
                self._succeed(nursery)
            case template.Refused() if nursery is self._successor:
                self._refuse(nursery, said.module)
            case birth.Broken() if nursery.pid is None:
                self._forget(nursery)
            case birth.Broken():
                self.trouble = said.why
            case _:
                pass

    def _succeed(self, successor: Nursery) -> None:
        """From now on workers come from this one. The former carries out what it was asked to and ends."""
        if self._nursery:
            self._nursery.close()
        self._nursery, self._successor = successor, None

    def _refuse(self, successor: Nursery, module: str | None) -> None:
        """Goes on without that template; its next will not import the module, or nothing if none is to blame."""
        self._refused.update((module,) if module else self._wanted)
        self._more_wanted = True
        self._drop(successor)

    def _drop(self, successor: Nursery) -> None:
        self._successor = None
        if successor.pid is None:
            self._forget(successor)
        else:
            successor.kill()

    def _forget(self, nursery: Nursery) -> None:
        """There is no such process, or none any more."""
        nursery.close()
        self.nurseries = [each for each in self.nurseries if each is not nursery]
        if nursery is self._nursery:
            self._nursery, self._more_wanted = None, True
        self._successor = None if nursery is self._successor else self._successor

    def _is_refused(self, module: str) -> bool:
        """It was, or what it lies in, and is imported before it."""
        parts = module.split(".")
        return any(".".join(parts[:end]) in self._refused for end in range(1, len(parts) + 1))

    def _give_up(self, successor: Nursery) -> None:
        if successor is self._successor:
            self._refuse(successor, successor.importing)

    def _fork(self) -> None:
        if self._nursery is None:
            return
        self._trying = True
        nursery = self._nursery
        try:
            child = Child(self._loop, nursery.held, self._bounds, self._heard)
        except OSError as error:
            self._failed(str(error))
            return
        self.children.append(child)
        try:
            child.hand_over(lambda files: nursery.order(template.Fork(), files))
        except OSError as error:
            self.remove(child, str(error))
        self._loop.after(SLOWEST, lambda: self.overdue(child))

    def _failed(self, why: str) -> None:
        """However many workers and templates are lost of those that were started at once, it is one failure."""
        self.failures += self._trying
        self._trying = False
        self.trouble = self.trouble or why


def _gains(task: wire.Task, now: frozenset[str], soon: frozenset[str]) -> bool:
    """Whether it imports something that will be there soon and is not there now: it would import that itself."""
    return any(each in soon and each not in now for each in task.imports)
