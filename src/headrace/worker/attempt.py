"""Attempt: one task carried out, from the outputs of the blocks above to the answer."""

import contextlib
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, cast

from headrace import clock, errors, outputs
from headrace.model.output import DATASET, Output
from headrace.model.run import Failure, TestResult
from headrace.worker import failure, meter, running, source, stopping, wire
from headrace.worker.kinds import python
from headrace.worker.logger import BlockLogger

QUICK = 2**20  # bytes; an output of no more is profiled before the answer, a larger one after it

_REASONS: dict[type[BaseException], str] = {  # wherever it happens
    errors.Stopped: "worker_died",  # for the supervisor, which knows why if it was the one to ask
    errors.LeaseLapsed: "lease_lapsed",
    SystemExit: "exited",
    MemoryError: "out_of_memory",
    errors.QueryTooLarge: "out_of_memory",
    errors.DatasetNotFound: "not_read",
    errors.DatasetUnreadable: "not_read",
    errors.CannotKeep: "not_kept",
}
_KINDS = {"sql": "sql", "yaml": "transfer"}  # the modules, by language, of blocks that are no programs


class Attempt:
    """A task while it is carried out.

    `prepare` is called with the block's source before that runs, `mend` when the last of the block's code has run: it
    puts back those things of the interpreter that what remains to be done could stumble over.
    """

    def __init__(
        self,
        task: wire.Task,
        profile_seconds: float,
        prepare: Callable[[source.Source], None],
        mend: Callable[[], None],
    ) -> None:
        self._task = task
        self._mend = mend
        self._home = Path(task.home)
        self._profile_seconds = profile_seconds
        self._prepare = prepare
        self._variables: dict[str, Any] = {
            **task.variables,
            "logger": BlockLogger(task.block),
            "context": _context(task),
        }
        self.was_stopped = False  # as its supervisor asked, who says so in the log
        self._step = "not_read"  # the reason of the failure, should what is being done fail
        self._seconds: float | None = None
        self._kind: Any = None  # what carried it out, where that is no program
        self._single = True
        self._listed = False  # the block returned a list that is kept whole
        self._outputs: tuple[Output, ...] = ()
        self._tests: list[TestResult] = []
        self._assertions: list[Failure] = []

    def run(self) -> wire.Finished:
        """Does all of it. It does not raise: whatever goes wrong is in the answer."""
        measures = meter.Meter()
        error = self._run_python() if self._task.language == "python" else self._tried(self._run_other)
        self.was_stopped = isinstance(error, errors.Stopped)
        return self._answer(measures, *self._verdict(error))

    def _answer(self, measures: meter.Meter, status: str, reason: str, why: Failure | None) -> wire.Finished:
        return wire.Finished(
            attempt=self._task.attempt,
            epoch=self._task.epoch,
            status=status,
            reason=reason,
            failure=why,
            outputs=self._outputs,
            single=self._single,
            tests=tuple(self._tests),
            seconds=self._seconds,
            profiles_follow=any(map(self._is_large, self._outputs)),
            **measures.read(),
        )

    def get_ready(self) -> None:
        """What the next block of its kind will need is made now, while nobody waits; what cannot be is made then."""
        if ready := getattr(self._kind, "get_ready", None):
            with contextlib.suppress(Exception):
                ready()

    def profile_large(self) -> wire.Profiled | None:
        """The outputs that were too large to be looked at before the answer, looked at."""
        large = tuple(self._profiled(output) for output in self._outputs if self._is_large(output))
        return wire.Profiled(attempt=self._task.attempt, outputs=large) if large else None

    def _run_python(self) -> BaseException | None:
        block = python.module_for(self._task)
        block.enter()
        error = self._tried(lambda: self._go_through(block))
        block.leave()
        return error

    def _tried(self, deed: Callable[[], None]) -> BaseException | None:
        """What the deed raises, if it raises anything."""
        try:
            with stopping.Heeded():
                self._carry_out(deed)
        except BaseException as raised:
            return raised
        return None

    def _carry_out(self, deed: Callable[[], None]) -> None:
        try:
            deed()
        finally:
            self._mend()

    def _run_other(self) -> None:
        """A block that is no program is carried out by what knows its language."""
        self._refuse_late()
        self._step = "not_loaded"
        self._kind = _kind(self._task)
        self._step = "raised"
        start = clock.monotonic()
        try:
            self._outputs = self._kind.run(self._task)
        finally:
            self._seconds = clock.monotonic() - start

    def _refuse_late(self) -> None:
        if self._task.until is not None and clock.boottime() >= self._task.until:
            raise errors.LeaseLapsed

    def _go_through(self, block: running.Block) -> None:
        arguments = [outputs.argument(given.single, given.outputs, self._home) for given in self._task.inputs]
        self._refuse_late()
        self._step = "not_loaded"
        self._load(block, arguments)
        function = python.marked(block, self._task, len(arguments))
        self._step = "raised"
        for preprocesser in block.decorated.get("preprocesser", ()):
            python.call(preprocesser, arguments, self._variables)
        value = self._timed(function, arguments)
        del arguments
        self._step = "not_kept"
        self._listed = outputs.is_kept_whole(value)
        self._single, kept = outputs.save(value, Path(self._task.place), self._home)
        del value
        self._outputs = tuple(output if self._is_large(output) else self._profiled(output) for output in kept)
        if tests := block.decorated.get("test"):
            values = self._read_again()
            self._step = "test_failed"
            for test in tests:
                self._test(test, self._given(test, values))

    def _load(self, block: running.Block, arguments: list[Any]) -> None:
        task = self._task
        code = source.read(task.workplace.snapshot, task.workplace.live, task.file)
        self._prepare(code)
        named = {given.block: value for given, value in zip(task.inputs, arguments, strict=True)}
        numbered = {f"df_{number}": value for number, value in enumerate(arguments, 1)}
        python.load(block, code, {**named, **numbered})

    def _timed(self, function: running.Function, arguments: list[Any]) -> Any:
        start = clock.monotonic()
        try:
            return python.call(function, arguments, self._variables)
        finally:
            self._seconds = clock.monotonic() - start

    def _read_again(self) -> list[Any]:
        """What the tests are given: the outputs as the blocks below will read them."""
        if not self._outputs:
            return [None]
        return [outputs.load(output, self._home) for output in self._outputs]

    def _given(self, test: running.Function, values: list[Any]) -> list[Any]:
        """The arguments of a test. It gets each element of a list by itself, or the list where it takes just one."""
        elements = cast("list[Any]", values[0]) if self._listed else []
        return elements if elements and python.takes(test, len(elements)) else values

    def _test(self, test: running.Function, values: list[Any]) -> None:
        name = getattr(test, "__name__", repr(test))
        start = clock.monotonic()
        message = ""
        try:
            python.call(test, values if self._outputs or python.takes_arguments(test) else (), self._variables)
        except AssertionError as error:
            self._assertions.append(failure.describe(error, self._task.workplace.live))
            message = self._assertions[-1].message or "an assertion does not hold"
        except BaseException as error:
            message = failure.bounded(f"{type(error).__name__}: {failure.said(error)}")
            error.add_note(f"It was raised in the test {name}.")
            raise
        finally:
            self._tests.append(TestResult(name, not message, message, clock.monotonic() - start))

    def _tests_failed(self) -> Failure:
        said = ", ".join(f"{test.name} ({test.message})" for test in self._tests if not test.passed)
        first = self._assertions[0]
        return Failure(
            type="TestsFailed",
            message=failure.bounded(f"Failed to pass tests for block {self._task.block}: {said}"),
            traceback=failure.bounded("\n".join(each.traceback for each in self._assertions)),
            file=first.file,
            line=first.line,
            function=first.function,
            code=first.code,
        )

    def _verdict(self, error: BaseException | None) -> tuple[str, str, Failure | None]:
        """Status, reason and failure."""
        if error is not None:
            reason = next((reason for kind, reason in _REASONS.items() if isinstance(error, kind)), self._step)
            return "failed", reason, failure.describe(error, self._task.workplace.live)
        if self._assertions:
            return "failed", "test_failed", self._tests_failed()
        return "completed", "returned", None

    def _is_large(self, output: Output) -> bool:
        return output.bytes > QUICK and output.kind != DATASET  # of rows for a dataset, their file says enough

    def _profiled(self, output: Output) -> Output:
        try:
            return outputs.profile(output, self._home, self._profile_seconds)
        except Exception:  # the output is kept; what is not known of it is left out
            return output


def _kind(task: wire.Task) -> Any:
    """The module that carries out blocks of the task's language, imported when first needed. Unsupported.

    It has `run(task)`, which gives back the outputs, and `get_ready()` where there is anything to be made beforehand.
    """
    if task.language not in _KINDS:
        raise errors.Unsupported(file=task.file, what=f"a block in {task.language}")
    return import_module(f"headrace.worker.kinds.{_KINDS[task.language]}")


def _context(task: wire.Task) -> dict[str, Any]:
    """What `kwargs['context']` holds for the block: empty in Mage, a place for the block's own things."""
    return {"attempt": {"uid": task.attempt, "number": task.number, "run": task.run, "block": task.block}}
