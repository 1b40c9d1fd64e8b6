"""What is said of an attempt that could not say it itself. Times and lines are filled in by whoever knows them."""

import dataclasses
import os
import signal

import msgspec

from headrace import errors
from headrace.model.run import Failure
from headrace.worker import wire


def cancelled(task: wire.Task, reason: str) -> wire.Finished:
    return wire.Finished(attempt=task.attempt, epoch=task.epoch, status="cancelled", reason=reason)


def timed_out(task: wire.Task) -> wire.Finished:
    return _failed(task, "timed_out", "TimedOut", f"The block ran longer than its timeout of {task.timeout:g} s.")


def over_memory(task: wire.Task, used: int, limit: int) -> wire.Finished:
    message = f"The block and what it started held {_size(used)} of memory; the limit is {_size(limit)}."
    return _failed(task, "out_of_memory", "OutOfMemory", message)


def lapsed(task: wire.Task) -> wire.Finished:
    return _failed(task, "lease_lapsed", "LeaseLapsed", str(errors.LeaseLapsed()))


def no_worker(task: wire.Task, why: str) -> wire.Finished:
    return _failed(task, "no_worker", "NoWorker", f"No worker could be started: {why}.")


def never_ready(task: wire.Task, status: int) -> wire.Finished:
    """The supervisor ended with this exit code, negative for a signal, before it had said that it was ready."""
    return no_worker(task, f"the supervisor ended with {status} before it was ready")


def cut_off(task: wire.Task, why: str) -> wire.Finished:
    """The worker can no longer be talked to."""
    return _failed(task, "worker_died", "WorkerDied", f"The process in which the block ran {why}.")


def supervisor_gone(task: wire.Task) -> wire.Finished:
    return _failed(task, "worker_died", "WorkerDied", "The supervisor was killed, and with it the block's process.")


def ended(task: wire.Task, status: int, oom_killed: bool) -> wire.Finished:
    """The worker's process is gone, with this status of waitpid, and nobody here ended it."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return _failed(task, "exited", "Exited", f"The block ended its own process with exit code {code}.")
    if oom_killed and code == -signal.SIGKILL:
        message = "The kernel killed the block's process because memory ran out."
        return _failed(task, "out_of_memory", "OutOfMemory", message)
    return _failed(task, "worker_died", "WorkerDied", f"The block's process was killed by {end_of(status)}.")


def with_place(verdict: wire.Finished, said: wire.Finished) -> wire.Finished:
    """The verdict, with what the worker said of where the block was when it was asked to end."""
    if verdict.failure is None or said.failure is None:
        return verdict
    failure = dataclasses.replace(said.failure, type=verdict.failure.type, message=verdict.failure.message)
    return msgspec.structs.replace(verdict, failure=failure)


def end_of(status: int) -> str:
    """In a word, how a process with this status of waitpid ended: `SIGSEGV`, or `exit code 3`."""
    code = os.waitstatus_to_exitcode(status)
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _failed(task: wire.Task, reason: str, kind: str, message: str) -> wire.Finished:
    return wire.Finished(
        attempt=task.attempt,
        epoch=task.epoch,
        status="failed",
        reason=reason,
        failure=Failure(type=kind, message=message),
    )


def _size(count: int) -> str:
    return f"{count / 2**20:,.0f} MiB"
