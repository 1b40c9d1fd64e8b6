"""The supervisor: the parent of all local workers.

It takes tasks from the engine, has workers forked for them, reads what they print into the attempts' logs, ends them
at a timeout, a memory limit, a stop or the end of the engine's lease, and answers for those that can no longer answer themselves. One thread waits
for all of that at once; nothing it does waits for a single worker. Each attempt is answered once, and when it is
answered nothing of it is left: descendants that outlive a worker fall to the supervisor and are ended first.

When the engine goes away, so does the supervisor with all below it. It is started by the warden.
"""

import contextlib
import signal
import socket

import msgspec

from headrace import clock
from headrace.worker import birth, pool, processes, verdicts, wire
from headrace.worker.bounds import Bounds
from headrace.worker.channel import Channel
from headrace.worker.child import Child, Said
from headrace.worker.crew import TRIES, Crew
from headrace.worker.lease import Lease
from headrace.worker.loop import Loop
from headrace.worker.reaper import UNKILLABLE, Reaper
from headrace.worker.recent import Recent
from headrace.worker.roster import CREWS, Roster

GLANCE = 0.1  # seconds between two looks at the memory of blocks that have a limit
HUNG_UP = 0.2  # seconds after which a worker that closed its socket is not just dying


def main(engine: int, bounds: str) -> None:
    """Serves the engine at the other end of that socket until it goes away; `bounds` is JSON."""
    processes.name("headrace-superv")
    processes.adopt_orphans()
    _Supervisor(socket.socket(fileno=engine), msgspec.json.decode(bounds, type=Bounds)).serve()


class _Supervisor:
    def __init__(self, engine: socket.socket, bounds: Bounds) -> None:
        self._bounds = bounds
        self._loop = Loop()
        self._engine: Channel[wire.ToSupervisor] = Channel(
            engine, wire.ToSupervisor, lambda yes: self._loop.want_write(engine, yes)
        )
        self._loop.watch(engine, self._on_engine)
        self._roster = Roster(self._new_crew)
        self._reaper = Reaper(self._loop, self._roster, self._engine.send)
        self._lease = Lease(self._loop, self._lapse)
        self._recent = Recent()
        self._glancing = self._bereaved = self._leaving = False
        self._watch_signals()

    def serve(self) -> None:
        self._engine.send(wire.Slots(self._bounds.workers))
        while not self._leaving:
            self._loop.turn()
            self._settle()
        self._leave()

    # What comes in

    def _watch_signals(self) -> None:
        read, write = socket.socketpair()
        for end in (read, write):
            end.setblocking(False)
        signal.set_wakeup_fd(write.fileno(), warn_on_full_buffer=False)
        for each in (signal.SIGCHLD, signal.SIGTERM):
            signal.signal(each, _heed)
        self._signals = read, write
        self._loop.watch(read, self._on_signal)

    def _on_signal(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._leaving |= signal.SIGTERM in self._signals[0].recv(4096)
        self._bereaved = True

    def _on_engine(self) -> None:
        self._engine.flush()
        for message in self._engine.receive():
            match message:
                case wire.Task():
                    self._take(message)
                case wire.Stop():
                    self._stop(message)
                case wire.Lease():
                    self._lease.extend(message.until)
                case wire.Answered():
                    self._answered(message)
                case wire.Close():
                    self._leaving = True
        self._leaving |= self._engine.closed

    def _new_crew(self, workplace: wire.Workplace) -> Crew:
        crew = Crew(self._loop, workplace, self._bounds, lambda child, said: self._heard(crew, child, said))
        return crew

    def _take(self, task: wire.Task) -> None:
        if self._lease.is_over:
            self._answer(verdicts.lapsed(task))
        elif self._recent.is_new(task.attempt):
            self._roster.take(self._bounded(task))

    def _bounded(self, task: wire.Task) -> wire.Task:
        """The task with the memory limit that it comes under; what runs a query is told how much that may take."""
        if task.memory_limit is not None or self._bounds.memory_limit is None:
            return task
        return msgspec.structs.replace(task, memory_limit=self._bounds.memory_limit)

    def _stop(self, stop: wire.Stop) -> None:
        if task := self._roster.withdraw(stop.attempt):
            self._answer(verdicts.cancelled(task, stop.reason))
        elif stop.attempt in self._roster.running:
            _, child = self._roster.running[stop.attempt]
            assert child.task is not None  # noqa: S101 - it runs
            self._end(child, verdicts.cancelled(child.task, stop.reason), self._bounds.stop_grace)

    def _answered(self, message: wire.Answered) -> None:
        """The block goes on at once, though for a moment there may be more of them than places."""
        if running := self._roster.running.get(message.attempt):
            running[1].answer(message)

    def _heard(self, crew: Crew, child: Child, said: list[Said]) -> None:
        for message in said:
            match message:
                case birth.Born():
                    child.pid = message.pid
                case birth.Serving() if child.state is pool.State.STARTING:
                    child.state = pool.State.IDLE
                case birth.Broken():
                    self._broken(crew, child, message.why)
                case wire.Finished() if child.task is not None and message.attempt == child.task.attempt:
                    self._finished(crew, child, message)
                case wire.Asked() if child.task is not None and message.attempt == child.task.attempt:
                    child.ask(message)
                    self._engine.send(message)
                case wire.Profiled() if message.attempt == child.owed:
                    child.owed = None
                    self._engine.send(message)
                case wire.Ready() if child.state is pool.State.CHECKING:
                    self._ready(crew, child, message)
                case _:
                    pass  # a fork of the worker repeats what the worker has said
        if child.channel.closed:
            self._cut_off(crew, child)

    def _broken(self, crew: Crew, child: Child, why: str) -> None:
        crew.stumbles(child, why)
        if child.task is not None:
            self._end(child, verdicts.cut_off(child.task, f"cannot go on: {why}"))

    def _finished(self, crew: Crew, child: Child, message: wire.Finished) -> None:
        if child.verdict is not None:  # it was asked to end, and did what it had to do before
            child.verdict = verdicts.with_place(child.verdict, message)
            self._kill(child)
            return
        crew.succeeds()
        del self._roster.running[message.attempt]
        child.state = pool.State.CHECKING
        child.owed = message.attempt if message.profiles_follow else None
        self._engine.send(child.finish(message))

    def _ready(self, crew: Crew, child: Child, message: wire.Ready) -> None:
        crew.want(message.imported)
        if message.retire is None and child.ran < pool.OLDEST and not child.for_one and not crew.resting:
            child.state = pool.State.IDLE
        else:
            crew.end(child)

    def _cut_off(self, crew: Crew, child: Child) -> None:
        if child.gone:
            return
        if child.pid is None:
            crew.remove(child, "the template ended")
        elif child.state is not pool.State.ENDING:  # as a rule it has just died, and how will be known at once
            child.state = pool.State.ENDING if child.state is pool.State.IDLE else child.state
            self._loop.after(HUNG_UP, lambda: self._end_unheard(child))

    def _end_unheard(self, child: Child) -> None:
        if child.task is not None:
            why = f"said what is no message: {child.channel.fault}" if child.channel.fault else "hung up"
            self._end(child, verdicts.cut_off(child.task, why))
        else:
            self._kill(child)

    # What goes on

    def _settle(self) -> None:
        if self._bereaved or self._reaper.mourns:
            self._bereaved = False
            self._reaper.reap()
        while self._roster.placed < self._bounds.workers and (start := self._roster.next_start()):
            self._start(*start)
        free = self._bounds.workers - self._roster.placed
        crews = self._roster.crews
        for crew in crews:
            self._give_up(crew)
            crew.balance(free)
        if len(crews) > CREWS:
            self._roster.rest_oldest()

    def _start(self, crew: Crew, child: Child, number: int) -> None:
        task = crew.waiting.pop(number)
        self._roster.running[task.attempt] = crew, child
        self._reaper.note_start()
        child.begin(number, task, self._lease.until)
        if task.timeout is not None:
            child.deadline = self._loop.after(task.timeout, lambda: self._overdue(child))
        if task.memory_limit is not None and not self._glancing:
            self._glance()

    def _overdue(self, child: Child) -> None:
        if child.task is not None:
            self._end(child, verdicts.timed_out(child.task), self._bounds.stop_grace)

    def _glance(self) -> None:
        """Looks at the memory of the blocks that have a limit, and again soon while there are such."""
        limited = [
            (child, limit)
            for _, child in self._roster.running.values()
            if child.task and child.verdict is None and (limit := child.task.memory_limit) is not None
        ]
        for child, limit in limited:
            used = processes.memory(child.pid) if child.pid else 0
            if used > limit and child.task:
                self._end(child, verdicts.over_memory(child.task, used, limit))
        self._glancing = bool(limited)
        if limited:
            self._loop.after(GLANCE, self._glance)

    def _give_up(self, crew: Crew) -> None:
        if crew.failures >= TRIES:
            for task in crew.waiting.values():
                self._answer(verdicts.no_worker(task, crew.trouble))
            crew.waiting.clear()

    # How it ends

    def _lapse(self) -> None:
        """Nothing of a block goes on; workers that have done nothing yet are left."""
        for crew in self._roster.crews:
            for task in crew.waiting.values():
                self._answer(verdicts.lapsed(task))
            crew.waiting.clear()
            for child in crew.children:
                if child.task is not None:
                    self._end(child, verdicts.lapsed(child.task))
                    self._kill(child)  # one that was given time to end has it no more
                elif child.ran:
                    crew.end(child)

    def _end(self, child: Child, verdict: wire.Finished, grace: float = 0.0) -> None:
        """The attempt is over with this verdict; with a grace, its process group is asked to end first."""
        if child.verdict is not None or child.pid is None:
            return
        child.verdict, child.state = verdict, pool.State.ENDING
        if child.deadline:
            child.deadline.cancel()
        child.say(verdict.failure.message if verdict.failure else f"The block was stopped: {verdict.reason}.")
        if grace:
            processes.signal_group(child.pid, signal.SIGTERM)
            child.deadline = self._loop.after(grace, lambda: self._kill(child))
        else:
            self._kill(child)

    def _kill(self, child: Child) -> None:
        child.state = pool.State.ENDING
        if child.pid is not None:
            processes.kill_tree(child.pid)

    def _answer(self, verdict: wire.Finished) -> None:
        """For a task that was never given to a worker."""
        self._engine.send(msgspec.structs.replace(verdict, ended_at=clock.now()))

    def _leave(self) -> None:
        """Ends everything; the last lines of what ran are kept."""
        for _, member in self._roster.members:
            if member.pid is not None:
                processes.kill_tree(member.pid)
        for _, child in self._roster.running.values():
            child.say("headrace was ended, and the block with it.")
            if child.task is not None:
                child.finish(verdicts.cancelled(child.task, "engine_gone"))
        processes.end_children(UNKILLABLE)


def _heed(_number: int, _frame: object) -> None:
    """A signal with a handler of its own reaches the loop through the wake-up socket."""
