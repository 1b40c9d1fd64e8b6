"""The installed command in a process of its own, with a home of its own; and projects written for it."""

import json
import os
import select
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

HEADRACE = Path(sys.executable).with_name("headrace")
BYTECODE = Path(tempfile.gettempdir()) / f"headrace-bytecode-{os.getuid()}"  # as an installation has it compiled
PATIENCE = 60  # seconds after which a test gives up; the machine may be busy


@dataclass(frozen=True)
class Said:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True)
class Command:
    """`headrace` run in `folder`, with `home` as HEADRACE_HOME."""

    home: Path
    folder: Path
    settings: Mapping[str, str] = field(default_factory=dict[str, str])  # HEADRACE_* variables besides
    started: "list[subprocess.Popen[str]]" = field(default_factory=list["subprocess.Popen[str]"])

    def environment(self, **more: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        own |= {"PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}
        return {
            **own,
            "HEADRACE_HOME": str(self.home),
            "HEADRACE_WORKERS": "2",
            "COLUMNS": "120",
            **self.settings,
            **more,
        }

    def __call__(self, *words: object, code: int = 0, **environ: str) -> Said:
        """What it said; its exit code must be `code`."""
        done = subprocess.run(
            [HEADRACE, *map(str, words)],
            cwd=self.folder,
            env=self.environment(**environ),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
        )
        assert done.returncode == code, done.stdout + done.stderr
        assert "Traceback" not in done.stderr
        return Said(done.returncode, done.stdout, done.stderr)

    def start(self, *words: object, **environ: str) -> "subprocess.Popen[str]":
        """The process, with its streams as pipes."""
        process = subprocess.Popen(
            [HEADRACE, *map(str, words)],
            cwd=self.folder,
            env=self.environment(**environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def close(self) -> None:
        """Ends whatever a test has left behind."""
        for process in self.started:
            process.kill()
            process.communicate(timeout=PATIENCE)

    @contextmanager
    def engine(self, *words: object, **environ: str) -> "Generator[subprocess.Popen[str]]":
        """An engine that has begun to take up runs; it is killed in the end unless it has left."""
        process = self.start("engine", *words, **environ)
        try:
            until(process, "Ctrl-C ends it")
            yield process
        finally:
            process.kill()
            process.wait(PATIENCE)


@dataclass(frozen=True)
class Meeting:
    """A block that tells when it has begun, and goes on when it is let go; both through named pipes in the folder."""

    began: int
    gate: int

    BODY = """\
import os
os.write(os.open('began', os.O_WRONLY), b'.')
os.read(os.open('gate', os.O_RDONLY), 1)
return [1]"""

    @classmethod
    def within(cls, folder: Path) -> "Meeting":
        for name in ("began", "gate"):
            os.mkfifo(folder / name)
        return cls(*(os.open(folder / name, os.O_RDWR) for name in ("began", "gate")))

    def wait(self) -> None:
        """Until one more such block has begun."""
        readable, _, _ = select.select([self.began], [], [], PATIENCE)
        assert readable, "the block never began"
        os.read(self.began, 1)

    def let_go(self, blocks: int = 1) -> None:
        os.write(self.gate, b"." * blocks)

    def close(self) -> None:
        os.close(self.began)
        os.close(self.gate)


@dataclass(frozen=True)
class Folder:
    """A project folder."""

    path: Path

    def write(self, file: str, text: str) -> None:
        path = self.path / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def block(self, name: str, body: str) -> None:
        """A block of type `custom` whose function has that body."""
        body = textwrap.indent(textwrap.dedent(body).strip(), "    ")
        self.write(f"custom/{name}.py", f"@custom\ndef {name}(*args, **kwargs):\n{body}\n")

    def pipeline(self, name: str, blocks: Mapping[str, list[str]], **fields: Any) -> None:
        """A pipeline of blocks with their upstreams."""
        written = [{"uuid": block, "type": "custom", "upstream_blocks": ups} for block, ups in blocks.items()]
        self.write(f"pipelines/{name}/metadata.yaml", json.dumps({"blocks": written, **fields}))


@pytest.fixture
def headrace(tmp_path: Path) -> Iterator[Command]:
    command = Command(tmp_path / "home", tmp_path)
    yield command
    command.close()


@pytest.fixture
def postgres(headrace: Command, postgres_url: str) -> Command:
    """As `headrace`, with a new PostgreSQL database."""
    return replace(headrace, settings={"HEADRACE_DATABASE": postgres_url})


@pytest.fixture(params=["headrace", "postgres"], ids=["sqlite", "postgres"])
def anywhere(request: pytest.FixtureRequest) -> Command:
    """The command on each database that headrace speaks to."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def mill(tmp_path: Path) -> Folder:
    """A project with a pipeline `grind` of three blocks, `sow` → `reap` → `bake`, which completes."""
    folder = Folder(tmp_path / "mill")
    folder.block("sow", "print('sowing')\nreturn [1, 2, 3]")
    folder.block("reap", "return [each * 10 for each in args[0]]")
    folder.block("bake", "return {'loaves': sum(args[0])}")
    folder.pipeline("grind", {"sow": [], "reap": ["sow"], "bake": ["reap"]})
    return folder


@pytest.fixture
def meeting(tmp_path: Path) -> Iterator[Meeting]:
    made = Meeting.within(tmp_path)
    yield made
    made.close()


def until(process: "subprocess.Popen[str]", word: str, stream: str = "stdout") -> str:
    """Everything the process writes there up to the line with that word, which must come; it is killed otherwise."""
    lines = getattr(process, stream)
    seen = ""
    with _patience(process):
        for line in lines:
            seen += line
            if word in line:
                return seen
    rest = process.stderr.read() if process.stderr and stream == "stdout" else ""
    raise AssertionError(f"{word!r} never came: {seen}{rest}")


@contextmanager
def _patience(process: "subprocess.Popen[str]") -> Generator[None]:
    """Within, the process has so long, and is killed then."""
    timer = threading.Timer(PATIENCE, process.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
