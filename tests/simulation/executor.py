"""A simulated executor: places, durations, leases that lapse, reports that are late, doubled or out of order."""

import contextlib
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tests.simulation.timeline import UPTIME, Timeline
from tests.simulation.witness import Witness

from headrace.engine.executor import Report, Slice
from headrace.model.output import DATASET, Output
from headrace.worker import wire


@dataclass(eq=False)
class Running:
    """An attempt that has a place; `gone` once it is over, however that came."""

    task: wire.Task
    gone: bool = False


class Executor:
    """`effect` is asked before and after everything that its engine asks of it, and may end the engine by raising."""

    def __init__(
        self, timeline: Timeline, witness: Witness, rng: random.Random, slots: int, effect: Callable[[str, str], None]
    ) -> None:
        self._timeline = timeline
        self._witness = witness
        self._rng = rng
        self._slots = slots
        self._effect = effect
        self.waiting: list[wire.Task] = []
        self.running: list[Running] = []
        self.until: float | None = None
        self.kept: int | None = None  # the engine's lock
        self.over = False  # nothing of it is left
        self.careless = 0.0  # how often a report comes twice

    @property
    def slots(self) -> int:
        return self._slots

    def start(self, report: Callable[[Report], None]) -> None:
        self._report = report

    def submit(self, work: Slice) -> None:
        self._effect("before", "executor.submit")
        for task in work:
            if self._lapsed():
                self._say(task, "failed", "lease_lapsed")
            else:
                self.waiting.append(task)
        self._fill()
        self._effect("after", "executor.submit")

    def stop(self, attempt: str, reason: str) -> None:
        self._effect("before", "executor.stop")
        for task in [task for task in self.waiting if task.attempt == attempt]:
            self.waiting.remove(task)
            self._say(task, "cancelled", reason)
        for each in [each for each in self.running if each.task.attempt == attempt]:
            self._timeline.after(self._rng.choice([0.0, 0.05, 1.0]), partial(self._end, each, "cancelled", reason))
        self._effect("after", "executor.stop")

    def extend(self, until: float) -> None:
        self.until = until
        self._timeline.after(until - self._uptime(), self._look_at_lease)

    def hold(self, file: int) -> None:
        before, self.kept = self.kept, os.dup(file)
        if before is not None:
            os.close(before)

    def close(self) -> None:
        """Everything ends, and nobody is told."""
        self.over = True
        self.waiting.clear()
        for each in self.running:
            self._gone(each)
        self.running.clear()
        with contextlib.suppress(TypeError):
            os.close(self.kept)  # type: ignore[arg-type]
        self.kept = None

    def _uptime(self) -> float:
        return self._timeline.now + UPTIME

    def _lapsed(self) -> bool:
        return self.until is not None and self._uptime() >= self.until

    def _fill(self) -> None:
        while self.waiting and len(self.running) < self._slots and not self.over:
            self._begin(Running(self.waiting.pop(0)))

    def _begin(self, each: Running) -> None:
        self._witness.begins(each.task)
        self.running.append(each)
        seconds = self._rng.choice([0.0, 0.01, 0.1, 0.4, 1.5, 4.0])
        status = self._rng.choice(["completed"] * 15 + ["failed"] * 3 + ["cancelled"])
        self._timeline.after(seconds, lambda: self._end(each, status, "drawn"))

    def _end(self, each: Running, status: str, reason: str) -> None:
        if each.gone or self.over:
            return
        self._gone(each)
        self.running.remove(each)
        self._say(each.task, status, reason)
        self._fill()

    def _gone(self, each: Running) -> None:
        each.gone = True
        self._witness.ends(each.task)

    def _look_at_lease(self) -> None:
        """Past it all that runs is killed, and what waits is not begun."""
        if self.over or not self._lapsed():
            return
        refused, self.waiting = self.waiting, []
        for each in list(self.running):
            self._end(each, "failed", "lease_lapsed")
        for task in refused:
            self._say(task, "failed", "lease_lapsed")

    def _say(self, task: wire.Task, status: str, reason: str) -> None:
        self._witness.says(task, status)
        outputs = (_output(task),) if status == "completed" else ()
        said = wire.Finished(
            attempt=task.attempt, epoch=task.epoch, status=status, reason=reason, outputs=outputs, single=True
        )
        for _ in range(1 + (self._rng.random() < self.careless)):
            self._timeline.after(self._rng.choice([0.0001, 0.001, 0.05]), lambda: self._tell(said))

    def _tell(self, said: wire.Finished) -> None:
        if not self.over:
            self._report(said)


def _output(task: wire.Task) -> Output:
    """What the block returned, or has written of its dataset."""
    if not task.writes:
        return Output("output_0", "dict", "json", task.attempt, 2)
    (dataset,) = task.writes
    extra = {"dataset": dataset, "mode": "append"}
    return Output(dataset, DATASET, "parquet", task.attempt, 2, rows=1, extra=extra)
