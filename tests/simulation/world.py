"""A world of engines that share a database: real loops, intakes, hearts and rows, and everything around them simulated.

Nothing has a thread. What an engine would do is a deed on the timeline; at each of its calls to store and executor the
world may let it die, fail the call, lose the answer, or let time pass for everybody else.
"""

import contextlib
import itertools
import os
import random
import socket
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.engine.between import Gated
from tests.engine.parts import makers
from tests.simulation.catalog import Version, Work
from tests.simulation.executor import Executor
from tests.simulation.timeline import Clocks, Timeline
from tests.simulation.witness import Witness

from headrace import errors
from headrace.datasets.committing import Committed, Staged
from headrace.engine.commits import Commit, Undecided
from headrace.engine.committer import AGAIN as COMMITTED_AGAIN
from headrace.engine.committer import Committer
from headrace.engine.heart import AGAIN, BEATS
from headrace.engine.loop import PAUSES
from headrace.engine.services import Engine
from headrace.engine.wakes import Closing, Draining, Wake
from headrace.model.run import FINAL_RUN, BlockStatus, Reopening, Run, RunSettings
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.runs import Key, NewRun

LEASE = 4.0  # seconds
LONGEST = 1200.0  # seconds, of virtual time, within which all must have ended once nothing goes wrong any more


class Died(BaseException):
    """The engine was killed here."""


@dataclass
class Faults:
    """How often what goes wrong, at each call of an engine. All zero: nothing does."""

    fail: float = 0.0  # the call fails, and nothing of it was done
    lose: float = 0.0  # the call was done, and its answer is lost
    die: float = 0.0
    pause: float = 0.0  # the caller stands still a moment, and the others go on
    stall: float = 0.0  # its whole engine stands still, perhaps for longer than its lease
    double: float = 0.0  # a report comes twice
    deaf: float = 0.0  # a ring is lost
    unwritable: float = 0.0  # a table cannot be written


@dataclass(eq=False)
class Machine:
    """An engine with its executor, and what the world does to it."""

    number: int
    engine: Engine
    executor: Executor
    own: bool
    skew: float = 0.0
    alive: bool = True
    retiring: bool = False
    stalled: float = 0.0  # until then nothing of it is called
    apart: float = 0.0  # until then it does not reach the database
    busy: set[str] = field(default_factory=set[str])  # services that are in a call
    due: dict[str, float] = field(default_factory=dict[str, float])
    waits: "list[tuple[int, Future[Run]]]" = field(default_factory=list[Any])
    bell: socket.socket | None = None

    def __repr__(self) -> str:
        return f"engine {self.number}"


class World:
    def __init__(
        self, rng: random.Random, store: Store, home: Path, works: list[Work], witness: Witness, *, leases: bool
    ) -> None:
        self.rng = rng
        self.store = store
        self.home = home
        self.works = works
        self.witness = witness
        self.leases = leases
        self.timeline = Timeline()
        self.clocks = Clocks(self.timeline)
        self.faults = Faults()
        self.machines: list[Machine] = []
        self.made: list[int] = []
        self.away = 0.0  # until then nobody reaches the database
        self.database_skew = 0.0
        self.effects = 0  # of engines, since the beginning
        self.fatal: dict[int, str] = {}  # what an engine comes to at that effect: die, or lose its answer
        self.told: list[str] = []  # the story, for whoever has to understand it
        self._depth = 0
        self._keys = itertools.count(1)

    # Engines

    def start(self, *, own: bool = False) -> Machine | None:
        """Another engine begins; None where there can be no other, or it did not come to life."""
        number = len(self.machines)
        home = self.home / f"machine-{number}" if self.leases else self.home
        home.mkdir(exist_ok=True)
        url = "postgresql://shared" if self.leases else None
        executor = Executor(
            self.timeline,
            self.witness,
            self.rng,
            self.rng.choice([1, 2, 3]),
            lambda moment, call: self._gate(machine, moment, call),
        )
        executor.careless = self.faults.double
        settings = Settings(home=home, database=url, lease=LEASE)
        gated = _OnDatabaseTime(self, Gated(self.store, lambda moment, call: self._gate(machine, moment, call)))
        try:
            engine = Engine(gated, settings, executor, (), makers(gated, settings), own=own)  # type: ignore[arg-type]
        except errors.EngineRunning:
            return None
        told = lambda told: self._reported(machine, told)  # noqa: E731
        engine._committer = Committer(gated, settings, told, Tables(self, lambda *told: self._gate(machine, *told)))  # type: ignore[arg-type]
        engine.loop._commit = lambda commit: self._hand_over(machine, commit)
        machine = Machine(number, engine, executor, own, self.rng.choice([0.0, 0.0, -20.0, 3.0]))
        machine.bell = _bell(self.home, engine.name)
        self.machines.append(machine)
        self.say(f"{machine} begins{' for its own runs' if own else ''} as {engine.name}")
        self._act(machine, "heart", lambda: self._come_to_life(machine))
        return machine if machine.alive else None

    def _come_to_life(self, machine: Machine) -> None:
        """As `Engine.start` does, but for the threads."""
        engine = machine.engine
        try:
            since = engine._register(engine._owner)
            machine.executor.start(lambda report: self._reported(machine, report))
            machine.executor.hold(engine._owner.file)
            if engine._heart:
                engine._heart.go_on_as(engine.name, since)
                self._plan(machine, "heart", LEASE / BEATS)
            engine._intake.go_on_as(engine.name)
        except errors.StoreUnavailable:
            self.kill(machine)  # the command says so, and ends
        else:
            self._plan(machine, "intake", 0.0)

    def _reported(self, machine: Machine, report: Any) -> None:
        if machine.alive:
            machine.engine.loop.tell(report)
            self._plan(machine, "loop", self._moment())

    def _hand_over(self, machine: Machine, commit: Commit, seconds: float | None = None) -> None:
        """Its committer gets to it a moment later."""
        moment = self.rng.choice([0.0, 0.01, 0.3]) if seconds is None else seconds
        self.timeline.after(moment, lambda: self._commit(machine, commit))

    def _commit(self, machine: Machine, commit: Commit) -> None:
        if machine.alive and machine.stalled > self.timeline.now:
            self._hand_over(machine, commit, machine.stalled - self.timeline.now)
        elif machine.alive:
            self._act(machine, f"committer {commit.attempt} {commit.epoch}", lambda: self._try_commit(machine, commit))

    def _try_commit(self, machine: Machine, commit: Commit) -> None:
        try:
            told = machine.engine._committer.run_once(commit, self.clocks.wall(machine.skew))
        except errors.StoreUnavailable:
            self._hand_over(machine, commit, COMMITTED_AGAIN)
        else:
            self.say(f"{machine}: {commit.attempt} is {type(told).__name__}")
            self._reported(machine, told)
            if isinstance(told, Undecided):
                self._hand_over(machine, replace(commit, taken_up=True), COMMITTED_AGAIN)

    def living(self, *, own: bool | None = None) -> list[Machine]:
        return [each for each in self.machines if each.alive and own in (None, each.own)]

    def kill(self, machine: Machine, linger: float | None = None) -> None:
        """It is gone at once; its executor ends a moment later, or with its lease if nobody tells it."""
        if not machine.alive:
            return
        self.say(f"{machine} dies")
        machine.alive = False
        self._let_go(machine)
        seconds = self.rng.choice([0.0, 0.05, LEASE]) if linger is None else linger
        self.timeline.after(seconds, lambda: self._bury_executor(machine))

    def _let_go(self, machine: Machine) -> None:
        engine = machine.engine
        os.close(engine._owner.file)
        if engine._alone:
            engine._alone.close()
        if machine.bell:
            machine.bell.close()

    def _bury_executor(self, machine: Machine) -> None:
        if not machine.executor.over:
            machine.executor.close()
            self.clocks.died(machine.engine.name)
            self._hear_bells()

    def stall(self, machine: Machine, seconds: float) -> None:
        """It stands still for that long, and its executor does not."""
        self.say(f"{machine} stalls for {seconds}")
        machine.stalled = max(machine.stalled, self.timeline.now + seconds)

    def part(self, machine: Machine, seconds: float) -> None:
        self.say(f"{machine} does not reach the database for {seconds}")
        machine.apart = self.timeline.now + seconds

    def lose_database(self, seconds: float) -> None:
        self.say(f"the database is away for {seconds}")
        self.away = self.timeline.now + seconds

    def jump(self, machine: Machine, seconds: float) -> None:
        self.say(f"the clock of {machine} jumps by {seconds}")
        machine.skew += seconds

    def retire(self, machine: Machine) -> None:
        """It is asked to end: it takes and begins nothing more, and leaves when what runs has ended, or a while later."""
        if machine.alive and not machine.retiring:
            self.say(f"{machine} retires")
            machine.retiring = True
            machine.engine.loop.tell(Draining())
            self._plan(machine, "loop", self._moment())
            self.timeline.after(self.rng.choice([0.5, 8.0]), lambda: self._leave(machine))

    def _leave(self, machine: Machine) -> None:
        if not machine.alive:
            return
        if machine.busy or machine.stalled > self.timeline.now:
            self.timeline.after(0.1, lambda: self._leave(machine))
            return
        machine.engine.loop.tell(Closing())
        self._act(machine, "loop", lambda: self._turn(machine))
        self._act(machine, "intake", lambda: self._close(machine))

    def _close(self, machine: Machine) -> None:
        """As `Engine.close` does, once its threads have ended."""
        engine = machine.engine
        machine.executor.close()
        with contextlib.suppress(errors.StoreUnavailable):
            engine._store.engines.leave(engine.name)
        engine.loop._leave(errors.EngineClosed())
        self.say(f"{machine} leaves")
        machine.alive = False
        self._let_go(machine)
        self.clocks.died(engine.name)

    # What engines do, and when

    def _plan(self, machine: Machine, service: str, seconds: float) -> None:
        """That service is to be called then, if it was not to be before."""
        due = self.timeline.now + seconds
        if machine.alive and due < machine.due.get(service, float("inf")):
            machine.due[service] = due
            self.timeline.after(seconds, lambda: self._call(machine, service, due))

    def _call(self, machine: Machine, service: str, due: float) -> None:
        if not machine.alive or machine.due.get(service) != due:
            return
        del machine.due[service]
        if machine.stalled > self.timeline.now:
            self._plan(machine, service, machine.stalled - self.timeline.now)
        elif service in machine.busy or (service in ("loop", "heart") and machine.engine.loop._turning.locked()):
            self._plan(machine, service, 0.01)
        elif service == "loop":
            self._act(machine, service, lambda: self._turn(machine))
        elif service == "intake" and not machine.retiring:
            self._act(machine, service, lambda: self._look(machine))
        elif service == "heart":
            self._act(machine, service, lambda: self._beat(machine))

    def _turn(self, machine: Machine) -> None:
        loop = machine.engine.loop
        events: list[Wake] = []
        while not loop._wakes.empty():
            events.append(loop._wakes.get())
        loop.run_once(events, loop._clock.now())

    def _look(self, machine: Machine) -> None:
        pause = machine.engine._intake.run_once(self.clocks.wall(machine.skew))
        self._plan(machine, "intake", pause)

    def _beat(self, machine: Machine) -> None:
        heart = machine.engine._heart
        reached = heart.run_once(self.clocks.wall(machine.skew))  # type: ignore[union-attr]
        self._plan(machine, "heart", LEASE / BEATS if reached else min(AGAIN, LEASE / BEATS))

    def _act(self, machine: Machine, service: str, deed: Callable[[], None]) -> None:
        """Something of that machine happens; afterwards its services are planned as they wish, and all is looked at."""
        machine.busy.add(service)
        before, self.clocks.skew = self.clocks.skew, machine.skew
        try:
            deed()
        except Died:
            assert not machine.alive
        finally:
            self.clocks.skew = before
            machine.busy.discard(service)
        self._plan_services(machine)
        self._hear_bells()
        self.look()

    def _plan_services(self, machine: Machine) -> None:
        if not machine.alive:
            return
        loop, intake = machine.engine.loop, machine.engine._intake
        if loop._failures:
            self._plan(machine, "loop", PAUSES[min(loop._failures, len(PAUSES)) - 1])
        elif not loop._wakes.empty():
            self._plan(machine, "loop", self._moment())
        elif (due := loop._held.next_due()) and loop._has_room():
            self._plan(machine, "loop", max(0.0, (due - self.clocks.wall(machine.skew)).total_seconds()))
        if intake._woken.is_set():
            self._plan(machine, "intake", self._moment())

    def _hear_bells(self) -> None:
        """Datagrams that engines were rung with wake their intakes; some are lost."""
        for machine in self.living():
            with contextlib.suppress(BlockingIOError):
                while machine.bell and machine.bell.recv(1):
                    if self.rng.random() >= self.faults.deaf:
                        machine.engine._intake.wake()
            if machine.engine._intake._woken.is_set():
                self._plan(machine, "intake", self._moment())

    def _moment(self) -> float:
        return self.rng.choice([0.0, 0.0, 0.001, 0.02])

    # What goes wrong

    def _gate(self, machine: Machine, moment: str, call: str) -> None:
        self.effects += 1
        self._die_if_dead(machine)
        rng, faults = self.rng, self.faults
        match self.fatal.pop(self.effects, ""):
            case "die":
                self._end_here(machine, moment, call)
            case "lose" if not call.startswith(("executor", "tables")):
                self._fail(machine, moment, call)
            case _:
                pass
        if rng.random() < faults.die:
            self._end_here(machine, moment, call)
        if moment != "within" and rng.random() < faults.stall:
            self.stall(machine, rng.choice([1.0, LEASE, 3 * LEASE]))
            self._pass_by(machine.stalled - self.timeline.now)
        elif moment != "within" and rng.random() < faults.pause:
            self._pass_by(rng.choice([0.001, 0.1, 2.0]))
        self._die_if_dead(machine)
        if not call.startswith(("executor", "tables")):
            self._reach_database(machine, moment, call)

    def _reach_database(self, machine: Machine, moment: str, call: str) -> None:
        rng, faults = self.rng, self.faults
        unreachable = self.timeline.now < max(self.away, machine.apart)
        if unreachable or rng.random() < (faults.fail if moment == "before" else faults.lose):
            self._fail(machine, moment, call)

    def _end_here(self, machine: Machine, moment: str, call: str) -> None:
        self.say(f"{machine} is killed {moment} {call}")
        self.kill(machine)
        raise Died

    def _fail(self, machine: Machine, moment: str, call: str) -> None:
        self.say(f"{machine}: {call} fails {moment} it is done")
        raise errors.StoreUnavailable(path="the simulation's", why=f"{moment} {call}")

    def _die_if_dead(self, machine: Machine) -> None:
        if not machine.alive:
            raise Died

    def _pass_by(self, seconds: float) -> None:
        """Time passes for everybody but whoever is in this call."""
        if self._depth < 2:
            self._depth += 1
            skew = self.clocks.skew
            self.timeline.run(seconds)
            self.clocks.skew = skew
            self._depth -= 1

    # What people do

    def make(self, work: Work, *, settings: RunSettings | None = None, keyed: bool = False) -> int:
        """A run for any engine to take. Who gives a key may ask twice."""
        new = self._new(work, settings, keyed)
        run = self.store.runs.create(new, self.clocks.wall()).run
        if keyed:
            assert self.store.runs.create(new, self.clocks.wall()).run.id == run.id
        self._note_run(run.id, work)
        return run.id

    def run(self, work: Work, settings: RunSettings | None = None) -> Machine | None:
        """`headrace run`: an engine of its own, which ends with its run."""
        machine = self.start(own=True)
        if machine is None:
            return None
        new = self._new(work, settings, keyed=False)
        run = self.store.runs.create(new, self.clocks.wall(), owner=machine.engine.name).run
        self._note_run(run.id, work)
        self._act(machine, "intake", lambda: self._take(machine, run.id))
        return machine

    def _take(self, machine: Machine, run_id: int) -> None:
        try:
            done = machine.engine.take(run_id).done
        except (errors.StoreUnavailable, errors.RunLost):
            self.kill(machine)  # the command says so, and ends
            return
        machine.waits.append((run_id, done))
        done.add_done_callback(lambda _: self.timeline.after(0.0, lambda: self._done(machine)))

    def _done(self, machine: Machine) -> None:
        if machine.alive and all(done.done() for _, done in machine.waits):
            self._leave(machine)

    def _new(self, work: Work, settings: RunSettings | None, keyed: bool) -> NewRun:
        first = work.versions[0]
        return NewRun(
            pipeline_id=work.pipeline_id,
            version_id=first.version_id,
            snapshot_id=first.snapshot_id,
            blocks=dict.fromkeys(first.pipeline.graph),
            variables={},
            selection={},
            execution_date=self.clocks.wall(),
            reason="drawn",
            settings=settings or RunSettings(),
            key=Key(f"key-{next(self._keys)}", "request") if keyed else None,
        )

    def _note_run(self, run_id: int, work: Work) -> None:
        self.made.append(run_id)
        self.say(f"run {run_id} of {dict(work.versions[0].pipeline.graph)} under {work.limits} in {work.project}")
        self._hear_bells()

    def cancel(self, run_id: int) -> None:
        self.say(f"run {run_id} is to be cancelled")
        self.store.runs.request_cancel(run_id, self.clocks.wall())
        self._hear_bells()

    def retry(self, run_id: int, *, whole: bool = False, latest: bool = False) -> bool:
        """Asks that a final run go on: what had not completed, or all of it; with the first code or the later."""
        run = self.store.runs.get(run_id)
        if run.status not in FINAL_RUN:
            return False
        work = next(work for work in self.works if work.pipeline_id == run.pipeline_id)
        is_later = run.version_id == work.versions[1].version_id
        version = work.versions[latest or is_later]
        asked = self._reopening(run, version, whole)
        landed = self.store.runs.request_retry(run_id, asked)
        self.say(f"run {run_id} is to go on with {asked}: {landed}")
        self._hear_bells()
        return landed

    def _reopening(self, run: Run, version: Version, whole: bool) -> Reopening:
        graph = version.pipeline.graph
        rows = {row.block: row for row in self.store.runs.block_runs(run.id) if row.block in graph}
        again = {block for block, row in rows.items() if whole or row.status is not BlockStatus.COMPLETED}
        again |= graph.keys() - rows.keys()
        while more := {block for block, ups in graph.items() if block not in again and again.intersection(ups)}:
            again |= more
        old = tuple(block for block in rows if block in again)
        new = tuple(block for block in graph if block not in rows)
        return Reopening(
            old, new, version.version_id, version.snapshot_id, "retry_whole" if whole else "retry_incomplete"
        )

    # What must be so

    def look(self) -> None:
        self.witness.look()
        for machine in self.living():
            if not machine.busy:
                self._look_into(machine)

    def _look_into(self, machine: Machine) -> None:
        """What the engine has in memory is as the rows are, unless it has reason to doubt it, or was taken for dead."""
        loop = machine.engine.loop
        if loop._doubted or loop._unheard or not loop._wakes.empty():
            return
        for run_id, active in loop._held.runs.items():
            ((owner, epoch, status),) = self.witness.ask("SELECT owner, epoch, status FROM runs WHERE id = ?", run_id)
            if (owner, epoch) != (active.run.owner, active.run.epoch):
                continue
            assert status == active.run.status, f"{machine}: run {run_id} is {status}, not {active.run.status}"
            rows = self.witness.ask("SELECT block, status, attempt, failures FROM block_runs WHERE run_id = ?", run_id)
            held = {(row.block, str(row.status), row.attempt, row.failures) for row in active.rows.values()}
            assert held == {row for row in rows if row[0] in active.rows}, (
                f"{machine}: run {run_id} is {rows}, not {held}"
            )
            tries = self.witness.ask(
                "SELECT a.uid, a.status FROM attempts a JOIN block_runs b ON b.id = a.block_run_id"
                " WHERE b.run_id = ? AND a.ended_at IS NULL",
                run_id,
            )
            held_ones = (*active.begun.values(), *active.committing.values())
            begun = {(attempt.uid, str(attempt.status)) for attempt in held_ones}
            assert begun == set(tries), f"{machine}: attempts of run {run_id} are {tries}, not {begun}"
            assert all(loop._held.of_attempt(each.uid)[0] == run_id for each in active.begun.values())
            assert all(loop._held.commits(each.uid) for each in active.committing.values())

    def pass_time(self, seconds: float) -> None:
        self.timeline.run(seconds)

    def see_through(self) -> None:
        """Nothing goes wrong any more: every run must end."""
        self.say("from here on nothing goes wrong")
        self.faults = Faults()
        self.fatal.clear()
        self.away = 0.0
        for machine in self.living():
            machine.apart = 0.0
        self._await(lambda: not any(each.retiring for each in self.living()))
        while not [each for each in self.living(own=False) if not each.retiring] and not self.start():
            self.pass_time(1.0)
        self._await(self._is_quiet)
        self.witness.judge()
        self._look_at_ends()

    def _await(self, reached: Callable[[], bool]) -> None:
        end = self.timeline.now + LONGEST
        while not reached() and self.timeline.now < end:
            self.timeline.run(0.25)

    def _is_quiet(self) -> bool:
        """Every run is final, and every engine has heard so."""
        if self.witness.ask("SELECT 1 FROM runs WHERE ended_at IS NULL OR retry_request IS NOT NULL LIMIT 1"):
            return False
        loops = [each.engine.loop for each in self.living()]
        if any(loop._held.runs or loop._doubted or loop._unheard or not loop._wakes.empty() for loop in loops):
            return False
        return not any(each.executor.running for each in self.living())

    def _look_at_ends(self) -> None:
        """No engine holds anything back, nobody waits in vain, and nothing runs any more."""
        for machine in self.living():
            loop = machine.engine.loop
            assert not loop._held.runs, f"{machine} still has {list(loop._held.runs)}"
            assert not loop._held.busy()
            assert not loop._coming, f"{machine} still waits for {loop._coming}"
            assert not loop._doubted
            assert not loop._unheard
            assert not machine.executor.running
            assert not machine.executor.waiting
        for machine in self.machines:
            for run_id, done in machine.waits:
                assert done.done() or not machine.alive, f"{machine}: who waits for run {run_id} is told nothing"
        assert not [run for each in self.machines for run in each.waits if _wrong(run[1])]

    def end(self) -> None:
        """Lets go of everything."""
        for machine in self.living():
            machine.alive = False
            self._let_go(machine)
        for machine in self.machines:
            if not machine.executor.over:
                machine.executor.close()

    def say(self, what: str) -> None:
        self.told.append(f"{self.timeline.now:9.3f} {what}")


def _wrong(done: "Future[Run]") -> bool:
    """Whether somebody was told what is no answer: the final run, its loss, its engine's end, or why it was let go."""
    error = done.exception() if done.done() else None
    return not (error is None or isinstance(error, errors.RunLost | errors.EngineClosed | ValueError))


def _bell(home: Path, name: str) -> socket.socket:
    """Where the engine is rung; it is looked at, and nobody waits at it."""
    (home / "engines").mkdir(exist_ok=True)
    bell = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    bell.setblocking(False)
    bell.bind(str(home / "engines" / f"{name}.sock"))
    return bell


class Tables:
    """The tables as one engine writes them: now and then that fails, once before and once after it has landed."""

    def __init__(self, world: World, gate: Callable[[str, str], None]) -> None:
        self._logs, self._rng, self._faults, self._gate = world.witness.tables, world.rng, lambda: world.faults, gate

    def commit(self, place: str, staged: Staged, newest: int | None) -> Committed:
        """It is decided on the log as it is, and lands only if nobody has written it meanwhile."""
        while True:
            if found := self._logs.found(place, staged):
                return found
            decided = self._logs.length(place)
            self._gate("before", "tables.commit")
            self._fail(place)
            if self._logs.length(place) == decided:
                made = self._logs.commit(place, staged)
                self._fail(place, errors.DatasetInDoubt)
                self._gate("after", "tables.commit")
                return made

    def void(self, place: str, staged: Staged) -> Committed | None:
        self._gate("before", "tables.void")
        self._fail(place)
        found = self._logs.void(place, staged)
        self._gate("after", "tables.void")
        return found

    def _fail(self, place: str, error: type[errors.HeadraceError] = errors.DatasetUnwritable) -> None:
        if self._rng.random() < self._faults().unwritable:
            raise error(place=place, why="it was drawn so")


class _OnDatabaseTime:
    """A store whose leases are written and judged by the clock of the database, whatever that of the engine says."""

    def __init__(self, world: World, store: Store) -> None:
        self._world, self._engines = world, store.engines
        self.projects, self.limits, self.runs = store.projects, store.limits, store.runs
        self.secrets, self.datasets = store.secrets, store.datasets
        self.engines = self

    def register(self, name: str, **facts: Any) -> None:
        self._engines.register(name, **facts | {"at": self._now()})

    def beat(self, name: str, lease: float, at: object) -> bool:
        return self._engines.beat(name, lease, self._now())

    def bury_lapsed(self, grace: float, at: object) -> list[str]:
        buried = self._engines.bury_lapsed(grace, self._now())
        if buried:
            self._world.say(f"buried: {buried}")
        return buried

    def next_lapse(self, grace: float, at: object) -> float | None:
        return self._engines.next_lapse(grace, self._now())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engines, name)

    def _now(self) -> Any:
        return self._world.clocks.wall(self._world.database_skew)
