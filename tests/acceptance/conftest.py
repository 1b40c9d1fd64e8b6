"""The installed command in a process of its own, with a home of its own; and projects written for it."""

import json
import os
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
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

    def environment(self, **more: str) -> dict[str, str]:
        own = {name: value for name, value in os.environ.items() if not name.startswith("HEADRACE_")}
        own |= {"PYTHONPYCACHEPREFIX": str(BYTECODE), "PYTHONDONTWRITEBYTECODE": ""}
        return {**own, "HEADRACE_HOME": str(self.home), "HEADRACE_WORKERS": "2", "COLUMNS": "120", **more}

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
        return subprocess.Popen(
            [HEADRACE, *map(str, words)],
            cwd=self.folder,
            env=self.environment(**environ),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


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
def headrace(tmp_path: Path) -> Command:
    return Command(tmp_path / "home", tmp_path)


@pytest.fixture
def mill(tmp_path: Path) -> Folder:
    """A project with a pipeline `grind` of three blocks, `sow` → `reap` → `bake`, which completes."""
    folder = Folder(tmp_path / "mill")
    folder.block("sow", "print('sowing')\nreturn [1, 2, 3]")
    folder.block("reap", "return [each * 10 for each in args[0]]")
    folder.block("bake", "return {'loaves': sum(args[0])}")
    folder.pipeline("grind", {"sow": [], "reap": ["sow"], "bake": ["reap"]})
    return folder


def until(process: "subprocess.Popen[str]", word: str) -> str:
    """Everything the process writes to stdout up to the line with that word, which must come."""
    assert process.stdout is not None
    seen = ""
    for line in process.stdout:
        seen += line
        if word in line:
            return seen
    raise AssertionError(f"{word!r} never came: {seen}{process.stderr.read() if process.stderr else ''}")
