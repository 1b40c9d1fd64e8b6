"""The works: a home with the mill in it, where engines are started, killed and started again, and what is left at the end."""

import contextlib
import os
import select
import signal
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.crash import history, invariants
from tests.crash.history import Asking, History, Line
from tests.crash.mill import Mill

from headrace import clock, settings
from headrace.app import App
from headrace.operations import asking, starting
from headrace.store.runs import Created

COMMAND = (str(Path(sys.executable).with_name("headrace")),)
BYTECODE = Path(tempfile.gettempdir()) / f"headrace-bytecode-{os.getuid()}"  # as an installation has it compiled
PATIENCE = 120.0  # seconds after which a test gives up; the machine may be busy
WRONG = "error: Something in headrace itself went wrong"  # the beginning of a line
LOOK = 0.02  # seconds between two looks at what cannot say that it has changed: a table, a file


class Works:
    """`database` is a URL of PostgreSQL, or None for SQLite in the home; blocks and the harness look into `seen`."""

    def __init__(self, root: Path, mill: Mill, database: str | None = None, *, seen: str | None = None) -> None:
        self.root = root
        self.mill = mill
        self.home = root / "home"
        self.folder = root / "mill"
        self.place = root / "place"
        self.mark = uuid.uuid4().hex
        self.seen = seen or database or str(self.home / "headrace.db")
        self.accepted: list[int] = []
        self._database = database
        self._started: list[Engine] = []
        for folder in ("claims", "slots", "gates"):
            (self.place / folder).mkdir(parents=True)
        mill.write(self.folder)
        self.app = App(settings.load(self.environment()))  # without an engine, to ask for things

    def environment(self, **more: str) -> dict[str, str]:
        """Of every process that is started here; `CRASH_*` reaches the blocks, too."""
        own = {name: value for name, value in os.environ.items() if not name.startswith(("HEADRACE_", "CRASH_"))}
        own |= {"PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}
        own |= {"HEADRACE_HOME": str(self.home), "HEADRACE_WORKERS": "3", "HEADRACE_STOP_GRACE": "0.3"}
        own |= {"CRASH_PLACE": str(self.place), "CRASH_MARK": self.mark, "CRASH_DATABASE": self.seen}
        return own | ({"HEADRACE_DATABASE": self._database} if self._database else {}) | more

    def begin(self, pipeline: str, key: str | None = None, **variables: Any) -> Created:
        """A run is made, for any engine to take; it has its key among its variables."""
        variables |= {"key": key} if key else {}
        asked = asking.Asked(self.folder, pipeline, variables, key=key)
        created = starting.create(self.app, asking.check(asked))
        self.accepted.append(created.run.id)
        return created

    def start(self, *words: str, command: Sequence[str] = COMMAND, **environ: str) -> "Engine":
        """One more engine, by `headrace engine` or another command."""
        return self._spawn([*command, "engine", *words], environ, (WRONG, "Traceback "))

    def run(self, pipeline: str) -> "Engine":
        """One more engine that moves a single run, by `headrace run`."""
        return self._spawn([*COMMAND, "run", "-q", str(self.folder), pipeline], {}, (WRONG,))

    def _spawn(self, command: Sequence[str], environ: Mapping[str, str], faults: tuple[str, ...]) -> "Engine":
        said = self.root / f"engine-{len(self._started)}.log"
        with said.open("wb") as log:
            process = subprocess.Popen(
                command,
                env=self.environment(**environ),
                cwd=self.root,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._started.append(Engine(process, said, faults))
        return self._started[-1]

    def detach(self, pipeline: str, *words: str) -> int:
        """As `begin`, by the command line; the run's number."""
        done = subprocess.run(
            [*COMMAND, "run", self.folder, pipeline, "--detach", *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        self.accepted.append(int(done.stdout.split()[-1]))
        return self.accepted[-1]

    def open_gate(self, name: str) -> None:
        (self.place / "gates" / name).touch()

    def ledger(self) -> list[Line]:
        return history.read_ledger(self.place)

    def ask(self, query: str) -> list[dict[str, object]]:
        return Asking(self.seen)(query)

    def count_open(self) -> int:
        """How many runs are not final."""
        (row,) = self.ask("SELECT count(*) AS many FROM runs WHERE ended_at IS NULL")
        return int(str(row["many"]))

    def wait_until_final(self, within: float = PATIENCE) -> None:
        """Until every run is final."""
        self.wait(lambda: self.count_open() == 0, "every run is final", within)

    def wait(self, holds: Callable[[], object], what: str, within: float = PATIENCE) -> None:
        """Until it holds; fails with what the engines said when it does not in time."""
        ends = clock.monotonic() + within
        while not holds():
            assert clock.monotonic() < ends, f"not in {within} s: {what}\n{self.said()}"
            pause(LOOK)

    def wait_for_more(self) -> None:
        """A few more lines of the ledger, or the end of all runs."""
        seen = len(self.ledger())
        self.wait(lambda: len(self.ledger()) > seen + 4 or self.count_open() == 0, "something happens")

    def said(self) -> str:
        """What the engines wrote, the latest last."""
        return "\n".join(
            f"{engine.log.name}: {text[-2000:]}" for engine in self._started if (text := engine.log.read_text())
        )

    def history(self) -> History:
        return history.read(self.mill, self.seen, self.home, self.place, self.accepted)

    def check(self) -> History:
        """Every invariant holds, now that all has come to rest."""
        found = self.history()
        broken = [*invariants.broken(found), *self._faults()]
        assert not broken, "\n".join([*broken[:40], f"({len(broken)} in all; {self.root})", self.said()])
        return found

    def _faults(self) -> list[str]:
        """What engines said that went wrong in headrace itself."""
        return [
            f"{engine.log.name}: {line}"
            for engine in self._started
            for line in engine.log.read_text().splitlines()
            if line.startswith(engine.faults)
        ]

    def processes(self) -> list[int]:
        """All that were started here and are there; a dead one has no environment."""
        found: list[int] = []
        mark = f"CRASH_MARK={self.mark}".encode()
        for process in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if mark in process.read_bytes():
                    found.append(int(process.parent.name))
        return found

    def kill_engines(self) -> None:
        """Every engine, and only those."""
        for engine in self._started:
            engine.kill()

    def kill_all(self) -> None:
        """Every process at once: all are stopped before the first is killed."""
        while found := self.processes():
            for by in (signal.SIGSTOP, signal.SIGKILL):
                for pid in found:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(pid, by)
            for engine in self._started:
                engine.process.poll()

    def wait_until_nothing_lives(self, within: float = PATIENCE) -> None:
        """No process has outlived the engines, which are dead."""
        self.wait(lambda: not self.processes(), "no process survives its supervisor", within)

    def close(self) -> None:
        self.kill_all()
        self.app.close()
        for engine in self._started:
            engine.process.wait(PATIENCE)


class Engine:
    """One process of an engine, and what it says; lines that begin with one of `faults` tell of a defect."""

    def __init__(self, process: subprocess.Popen[bytes], log: Path, faults: tuple[str, ...]) -> None:
        self.process = process
        self.log = log
        self.faults = faults

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def lives(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL, and nothing of this process is left when it returns; what it had started may be."""
        if self.lives:
            self.process.kill()
        self.process.wait(PATIENCE)

    def leave(self) -> int:
        """Asked to end; its exit code."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


def pause(seconds: float) -> None:
    """For trouble that lasts, and between two looks; a test never waits so for something to happen."""
    select.poll().poll(seconds * 1000)


@contextlib.contextmanager
def opened(root: Path, mill: Mill, database: str | None = None, *, seen: str | None = None) -> Iterator[Works]:
    """Works of which nothing is left afterwards."""
    with contextlib.closing(Works(root, mill, database, seen=seen)) as works:
        yield works
