"""Workers as they are in life: forked, over a socket, with pipes for streams; and a project for them to serve."""

import contextlib
import itertools
import json
import os
import select
import socket
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from tests import postgres, s3

from headrace import identity, outputs, store
from headrace.worker import wire

# How long an example takes says nothing: the machine may be busy. What lands is judged by the same examples each time.
_HYPOTHESIS = {"deadline": None, "suppress_health_check": [hypothesis.HealthCheck.too_slow]}
hypothesis.settings.register_profile("any", **_HYPOTHESIS)
hypothesis.settings.register_profile("steady", derandomize=True, **_HYPOTHESIS)
hypothesis.settings.load_profile("steady" if os.environ.get("CI") else "any")

PATIENCE = 30.0  # seconds after which a test gives up; the machine may be busy
SAID = wire.Finished | wire.Profiled | wire.Asked | wire.Ready

_FORKING = """
import gc, os, signal, socket, sys
import msgspec
for name in sys.argv[2:]:
    __import__(name)
from headrace.worker import main, wire
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
orders = socket.socket(fileno=int(sys.argv[1]))
gc.collect(); gc.freeze()
while True:
    order, files, _, _ = socket.recv_fds(orders, 2**16, 3)
    if not order:
        os._exit(0)
    if os.fork() == 0:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        orders.close()
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(files[1], 1)
        os.dup2(files[2], 2)
        workplace = msgspec.msgpack.decode(order, type=wire.Workplace)
        os.environ.clear()
        os.environ.update(workplace.environment)
        os.chdir(workplace.cwd)
        os.closerange(3, files[0])
        os.closerange(files[0] + 1, 256)
        try:
            main.serve(socket.socket(fileno=files[0]), workplace, 5.0)
        finally:
            os._exit(0)
    for file in files:
        os.close(file)
"""


class Forking:
    """A process that has imported `modules`, and forks workers."""

    def __init__(self, *modules: str) -> None:
        self._orders, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-c", _FORKING, str(theirs.fileno()), *modules]
            self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])

    def fork(self, workplace: wire.Workplace) -> "Worker":
        ours, theirs = socket.socketpair()
        out, err = os.pipe(), os.pipe()
        with theirs:
            order = wire.encode(workplace)[4:]
            socket.send_fds(self._orders, [order], [theirs.fileno(), out[1], err[1]])
        for end in (out[1], err[1]):
            os.close(end)
        return Worker(ours, out[0], err[0])

    def close(self) -> None:
        self._orders.close()
        self._process.wait(PATIENCE)


@dataclass
class Outcome:
    """What a worker said and printed for one task."""

    finished: wire.Finished
    ready: wire.Ready
    profiled: wire.Profiled | None
    out: str
    err: str
    order: list[str]  # of its messages

    @property
    def logged(self) -> list[dict[str, Any]]:
        """The framed records among what it wrote to stderr."""
        return [json.loads(line[1:]) for line in self.err.split("\n") if line.startswith("\x1e")]


class Worker:
    """One forked worker, spoken to over its socket."""

    def __init__(self, sock: socket.socket, out: int, err: int) -> None:
        self._socket = sock
        self._streams = out, err
        self._open = {out, err}
        self._reader: wire.Reader[Any] = wire.Reader(SAID)
        self._said: list[Any] = []
        self._printed = {out: bytearray(), err: bytearray()}

    def run(self, task: wire.Task) -> Outcome:
        """Gives it the task and listens until it is `Ready`."""
        self.begin(task)
        return self.finish()

    def begin(self, task: wire.Task) -> None:
        wire.send(self._socket, task)

    def read_line(self) -> str:
        """What it prints, up to the end of a line."""
        line = b""
        while not line.endswith(b"\n") and select.select([self._streams[0]], [], [], PATIENCE)[0]:
            line += os.read(self._streams[0], 1)
        return line.decode()

    def finish(self) -> Outcome:
        """Listens until it is `Ready`."""
        said, printed = self._said, self._printed
        self._until(wire.Ready)
        while self._listen(said, printed, 0):
            pass
        self._said, self._printed = [], {stream: bytearray() for stream in self._streams}
        by_kind = {type(each): each for each in said}
        texts = [bytes(each).decode() for each in printed.values()]
        order = [type(each).__name__ for each in said]
        return Outcome(by_kind[wire.Finished], by_kind[wire.Ready], by_kind.get(wire.Profiled), *texts, order)

    def asked(self) -> wire.Asked:
        """What its block asks next."""
        self._until(wire.Asked)
        (asked,) = (each for each in self._said if isinstance(each, wire.Asked))
        self._said.remove(asked)
        return asked

    def answer(self, answered: wire.Answered) -> None:
        wire.send(self._socket, answered)

    def _until(self, kind: type[Any]) -> None:
        while not any(isinstance(each, kind) for each in self._said):
            self._listen(self._said, self._printed, PATIENCE)

    def hang_up(self) -> None:
        """Nothing more will be said to it."""
        self._socket.shutdown(socket.SHUT_WR)

    def is_gone(self) -> bool:
        """Whether it ended; waits for it."""
        select.select([self._socket], [], [], PATIENCE)
        return not self._socket.recv(1)  # it said nothing, and its end is closed

    def close(self) -> None:
        self._socket.close()
        for stream in self._streams:
            os.close(stream)

    def _listen(self, said: list[Any], printed: dict[int, bytearray], patience: float) -> bool:
        readable, _, _ = select.select([self._socket, *self._open], [], [], patience)
        if not readable and patience:
            raise TimeoutError(f"the worker said {said} and no more")
        for stream in self._open.intersection(readable):
            chunk = os.read(stream, 2**16)
            printed[stream] += chunk
            if not chunk:
                self._open.discard(stream)
        if self._socket in readable:
            chunk = self._socket.recv(2**18)
            if not chunk:
                raise EOFError(f"the worker said {said} and went: {printed}")
            said += self._reader.feed(chunk)
        return bool(readable)


class Site:
    """A project, live and as a snapshot, and a worker that serves it until it asks to be retired."""

    def __init__(self, root: Path, forking: Forking) -> None:
        self.home = root / "home"
        self.live = root / "live" / "mill"
        self.snapshot = root / "snapshot" / "mill"
        for folder in (self.home, self.live, self.snapshot):
            folder.mkdir(parents=True)
        self.workplace = wire.Workplace(
            project="mill",
            snapshot=str(self.snapshot),
            live=str(self.live),
            cwd=str(self.live.parent),
            environment={"PATH": os.environ["PATH"], "HOME": str(root), "LANG": "C.UTF-8"},
        )
        self._forking = forking
        self._worker: Worker | None = None
        self._forked: list[Worker] = []
        self._numbers = itertools.count(1)

    def write(self, file: str, text: str) -> Path:
        """A file of the snapshot and, with its first line changed, of the live project."""
        text = textwrap.dedent(text).lstrip("\n")
        for folder, content in ((self.snapshot, text), (self.live, text.replace("\n", "  # live\n", 1))):
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_text(content)
        return self.live / file

    def task(self, code: str | None, *above: Outcome, **facts: Any) -> wire.Task:
        """A task for a new block of this code, below the blocks that had these outcomes."""
        number = next(self._numbers)
        kind = facts.setdefault("kind", "custom")
        file = facts.setdefault("file", f"{kind}/block{number}.py")
        if code is not None:
            self.write(file, code)
        given = [
            wire.Input(block=each.finished.attempt, outputs=each.finished.outputs, single=each.finished.single)
            for each in above
        ]
        plain: dict[str, Any] = {
            "attempt": f"a{number}",
            "epoch": 1,
            "block": f"block{number}",
            "language": "python",
            "inputs": tuple(given),
            "variables": {},
            "workplace": self.workplace,
            "place": str(self.home / f"a{number}"),
            "home": str(self.home),
            "log": str(self.home / f"a{number}.log"),
        }
        return wire.Task(**plain | facts)

    def run(self, code: str | None, *above: Outcome, **facts: Any) -> Outcome:
        """Runs a block in the worker, or in a new one where there is none or the last asked to be retired."""
        self._worker = self._worker or self.fork()
        outcome = self._worker.run(self.task(code, *above, **facts))
        if outcome.ready.retire:
            self.retire()
        return outcome

    def value(self, outcome: Outcome) -> Any:
        """What a block below would be given."""
        assert outcome.finished.status == "completed", outcome
        return outputs.argument(outcome.finished.single, outcome.finished.outputs, self.home)

    def fork(self) -> Worker:
        """A worker of the test's own."""
        self._forked.append(self._forking.fork(self.workplace))
        return self._forked[-1]

    def serve_from(self, forking: Forking) -> None:
        """From now on workers are forked from another process."""
        self.retire()
        self._forking = forking

    def retire(self) -> None:
        """Lets go of every worker."""
        while self._forked:
            self._forked.pop().close()
        self._worker = None


@pytest.fixture
def make_forking() -> Iterator[Callable[..., Forking]]:
    """A process that forks workers, with these modules imported."""
    made: list[Forking] = []

    def make(*modules: str) -> Forking:
        made.append(Forking(*modules))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture(scope="module")
def bare() -> Iterator[Forking]:
    """A process that forks workers; it ends with the tests of a file, since others look at this process's children."""
    forking = Forking()
    yield forking
    forking.close()


@pytest.fixture(scope="module")
def full() -> Iterator[Forking]:
    """A process that forks workers with the libraries of frames imported."""
    forking = Forking("pandas", "polars", "pyarrow", "duckdb", "numpy.random", "headrace.outputs")
    yield forking
    forking.close()


@pytest.fixture
def site(tmp_path: Path, bare: Forking) -> Iterator[Site]:
    """A project served by workers that have imported nothing in advance."""
    made = Site(tmp_path, bare)
    yield made
    made.retire()


@pytest.fixture
def full_site(tmp_path: Path, full: Forking) -> Iterator[Site]:
    made = Site(tmp_path, full)
    yield made
    made.retire()


@pytest.fixture(scope="session")
def make_site() -> type[Site]:
    """For tests that share one site among them."""
    return Site


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server]:
    """A PostgreSQL server for the tests of this process, with a database `migrated` that has every table."""
    try:
        server = postgres.Server()
    except postgres.NoServer as why:
        pytest.skip(f"no PostgreSQL: {why}")
    with contextlib.closing(server), tempfile.TemporaryDirectory() as home:
        store.open(Path(home), server.create("migrated")).close()
        yield server


@pytest.fixture
def postgres_url(postgres_server: postgres.Server) -> Iterator[str]:
    """A new database that has every table."""
    name = f"test_{identity.new()}"
    yield postgres_server.create(name, template="migrated")
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def s3_server() -> Iterator[s3.Server]:
    """A server that speaks S3, for the tests of this process."""
    with contextlib.closing(s3.Server()) as server:
        yield server


@pytest.fixture
def bucket(s3_server: s3.Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a new bucket of it, which this process reaches and those that it starts."""
    for name, value in s3_server.environment.items():
        monkeypatch.setenv(name, value)
    return s3_server.create()
