"""What engine, supervisor and workers say to each other.

The engine starts one supervisor and talks to nobody else; the supervisor is the parent of every local worker and
passes on what they say. The engine sends a `Task` (one attempt of one block) and may send `Stop`; whatever happens, it
gets exactly one `Finished` for each task: the worker's own, or, when the worker was killed, hung or died, the
supervisor's. What is found out after that (a profile of a large output) follows in a `Profiled`. The child has no
database: all it needs is in the task, all it learned is in the answer. Frames never cross here, only where they lie.

While it runs a block may ask, from any of its threads: its worker sends `Asked`, which the supervisor passes on, and
gets one `Answered` that names the question, unless its attempt is over before. A block that waits for another run has
no place while it does.

On a socket each message is a msgpack document behind its length in four bytes, big-endian.
"""

import socket
import struct
from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Generic, TypeVar

import msgspec

from headrace.model.output import Output
from headrace.model.run import Failure, Run, TestResult

LARGEST = 256 * 2**20  # bytes of one message; a longer one is a fault, not data


class Workplace(msgspec.Struct, frozen=True, kw_only=True):
    """What a worker serves for its whole life: one snapshot of one project in one environment."""

    project: str  # the project folder's name, importable as a package
    snapshot: str  # absolute path of the laid-out snapshot: code is read here
    live: str  # absolute path of the project folder: data, io_config.yaml and `__file__` are here
    cwd: str
    environment: dict[str, str]  # the whole environment of a block
    masks: tuple[str, ...] = ()  # values replaced by *** in logs and errors


class Input(msgspec.Struct, frozen=True, kw_only=True):
    """The outputs of one upstream block, in the order it returned them; paths are absolute.

    `single` says that the block returned one value; otherwise the consumer gets a list of them.
    """

    block: str
    outputs: tuple[Output, ...]
    single: bool


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """A dataset that a block reads: its table, at the version that the run is pinned to."""

    name: str
    location: str  # absolute path or URL of the table
    version: int


class Task(msgspec.Struct, frozen=True, kw_only=True, tag="task"):
    """One attempt of one block."""

    attempt: str  # uid
    epoch: int
    block: str
    kind: str  # the type of the block, as the format calls it
    language: str
    file: str  # relative to the snapshot
    inputs: tuple[Input, ...]
    variables: dict[str, Any]  # keyword arguments, less those that only the worker can make (logger, context)
    workplace: Workplace
    place: str  # absolute path of the attempt's own folder for outputs; it need not exist
    home: str  # absolute path that `Output.path` is relative to
    log: str  # absolute path of the attempt's log
    timeout: float | None = None  # seconds
    memory_limit: int | None = None  # bytes resident, of the worker and all it started
    fresh_process: bool = False
    masks: tuple[
        str, ...
    ] = ()  # values replaced by *** besides the workplace's: those of the run, and the project's secrets
    run: str = ""  # uid
    number: int = 1  # of the attempt, among those of its block run
    until: float | None = None  # of `clock.boottime`: user code does not begin later; the supervisor fills it in
    imports: tuple[str, ...] = ()  # third-party modules worth having imported before the worker is forked
    configuration: dict[str, Any] = msgspec.field(default_factory=dict[str, Any])  # of the block, as it is written
    reads: tuple[Dataset, ...] = ()
    writes: tuple[str, ...] = ()  # names of datasets


class Stop(msgspec.Struct, frozen=True, kw_only=True, tag="stop"):
    """Kill the worker of this attempt, with all its descendants; it ends `cancelled` with this reason."""

    attempt: str
    reason: str


class Lease(msgspec.Struct, frozen=True, tag="lease"):
    """Blocks may run until then, in seconds of `clock.boottime`; the last that was said holds.

    Past it everything that runs is killed with all its descendants, and every task is answered `lease_lapsed`, until a
    later moment is said. Before the first there is no bound.
    """

    until: float


class Close(msgspec.Struct, frozen=True, tag="close"):
    """Kill what runs, and leave."""


class Finished(msgspec.Struct, frozen=True, kw_only=True, tag="finished"):
    """How an attempt went. `status` is completed, failed or cancelled; `reason` one of `REASONS` or the stop's."""

    attempt: str
    epoch: int
    status: str
    reason: str
    outputs: tuple[Output, ...] = ()
    single: bool = True  # the block returned one value, not several
    tests: tuple[TestResult, ...] = ()
    failure: Failure | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    seconds: float | None = None
    cpu_seconds: float | None = None
    peak_bytes: int | None = None
    log_lines: int = 0
    profiles_follow: bool = False  # a `Profiled` with more about the outputs will come


REASONS = {
    "returned": "the block returned",
    "raised": "the block raised an error",
    "not_read": "what an upstream block left cannot be read",
    "test_failed": "a test of the block failed",
    "not_loaded": "the block's code could not be loaded or called",
    "not_kept": "what the block returned cannot be kept",
    "not_committed": "what the block has written could not become a version of its dataset",
    "timed_out": "the block ran longer than its timeout",
    "out_of_memory": "the block used more memory than it may",
    "exited": "the block ended its own process",
    "worker_died": "the process in which the block ran was killed",
    "no_worker": "no worker could be started",
    "lease_lapsed": "the engine was not heard of in time, and the block was ended lest it run twice",
}


class Profiled(msgspec.Struct, frozen=True, kw_only=True, tag="profiled"):
    """What was found out about the outputs of a finished attempt after its answer; `path` names the output."""

    attempt: str
    outputs: tuple[Output, ...]


class StartRun(msgspec.Struct, frozen=True, kw_only=True, tag="start_run"):
    """A run of another pipeline is to start. The answer is a `Told`: once the run exists, or, if the block `waits`, is final.

    At most `patience` seconds are waited; then the run is told of as it is by then. It goes on, whatever becomes of who
    asked for it.
    """

    pipeline: str
    variables: dict[str, Any]
    project: str | None = None  # absolute path of its project; without it, the block's own
    trigger: str  # the name of the pipeline's trigger that the run is of, which is made if there is none
    waits: bool = False
    patience: float | None = None  # seconds


class Told(msgspec.Struct, frozen=True, kw_only=True, tag="told"):
    """The run that was asked for, as it is."""

    run: Run
    pipeline: str


class Declined(msgspec.Struct, frozen=True, tag="declined"):
    """Why what was asked for is not done, in a sentence."""

    why: str


class ReadSecret(msgspec.Struct, frozen=True, tag="read_secret"):
    """The value of a secret is wanted. The answer is a `Secret`."""

    name: str
    waits: ClassVar[bool] = False  # for no run: it is answered at once


class Secret(msgspec.Struct, frozen=True, tag="secret"):
    """The value, None where there is no such secret; from now on its `masks` are replaced by *** in logs and errors."""

    value: str | None
    masks: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return "Secret(***)"


class ReadBookmark(msgspec.Struct, frozen=True, tag="read_bookmark"):
    """It is asked how far the block has got that asks. The answer is a `Marked`."""

    waits: ClassVar[bool] = False


class Marked(msgspec.Struct, frozen=True, tag="marked"):
    """What the block's last completed load has left as its bookmark; None where there is none."""

    value: dict[str, Any] | None


Request = StartRun | ReadSecret | ReadBookmark
Answer = Told | Secret | Marked | Declined


class Asked(msgspec.Struct, frozen=True, kw_only=True, tag="asked"):
    """The `number`th question of an attempt."""

    attempt: str
    number: int
    request: Request


class Answered(msgspec.Struct, frozen=True, kw_only=True, tag="answered"):
    """The answer to that question."""

    attempt: str
    number: int
    answer: Answer


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag="ready"):
    """A worker's last word on a task, to its supervisor alone, after `Finished` and perhaps `Profiled`.

    It is as it was before the task and takes another; or `retire` says, for people, what the block left behind, and
    the worker has to be ended. `imported` are the third-party modules that were not loaded before the task: worth
    having imported before the next worker is forked.
    """

    attempt: str
    retire: str | None = None
    imported: tuple[str, ...] = ()


class Slots(msgspec.Struct, frozen=True, tag="slots"):
    """How many tasks run at once, besides those that wait for other runs; the supervisor says so when it is ready."""

    count: int


ToWorker = Task | Answered
ToSupervisor = Task | Stop | Lease | Answered | Close
FromSupervisor = Finished | Profiled | Asked | Slots

Message = TypeVar("Message")

_length = struct.Struct(">I")
_encoder = msgspec.msgpack.Encoder()


def encode(message: msgspec.Struct) -> bytes:
    """The message as it goes over a socket, length first."""
    body = _encoder.encode(message)
    return _length.pack(len(body)) + body


class Reader(Generic[Message]):
    """Puts messages together from the bytes of a stream."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(kind)
        self._pending = bytearray()

    def feed(self, chunk: bytes) -> Iterator[Message]:
        """Every message that is whole once `chunk` has arrived; ValueError for one that is no message."""
        if (
            not self._pending
            and len(chunk) >= _length.size
            and _length.unpack_from(chunk)[0] == len(chunk) - _length.size
        ):
            yield self._decoder.decode(memoryview(chunk)[_length.size :])  # as a rule it is one, and whole
            return
        self._pending += chunk
        while len(self._pending) >= _length.size:
            (size,) = _length.unpack_from(self._pending)
            if size > LARGEST:
                raise ValueError(f"a message of {size} bytes; at most {LARGEST} are taken")
            end = _length.size + size
            if len(self._pending) < end:
                return
            body = bytes(self._pending[_length.size : end])
            del self._pending[:end]
            yield self._decoder.decode(body)


def send(sock: socket.socket, message: msgspec.Struct) -> None:
    """Sends the whole message; OSError when nobody reads it any more."""
    sock.sendall(encode(message))
