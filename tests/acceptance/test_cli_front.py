"""The command itself: quick to answer, and the same as `python -m headrace`."""

import os
import resource
import subprocess
import sys

import pytest
from tests.acceptance.conftest import Command, Folder

from headrace import __version__
from headrace.cli import pipelines, runs

HEAVY = ("sqlalchemy", "alembic", "rich", "yaml", "jinja2", "msgspec", "pandas", "pyarrow", "numpy", "xxhash")


COMMANDS = (
    [],
    ["init"],
    ["run"],
    ["runs"],
    *(["runs", name] for name in runs.COMMANDS),
    ["pipelines"],
    *(["pipelines", name] for name in pipelines.COMMANDS),
)


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_the_help_of_no_command_imports_anything_heavy(words: list[str]) -> None:
    script = f"""if True:
        import sys, headrace.cli
        sys.argv = ["headrace", *{words}, "--help"]
        try:
            headrace.cli.main()
        finally:
            print([name for name in {HEAVY} if name in sys.modules], file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"Usage: {' '.join(['headrace', *words])} [OPTIONS]")
    assert done.stderr == "[]\n"


def test_pipelines_are_shown_without_a_store(mill: Folder) -> None:
    script = f"""if True:
        import sys, headrace.cli
        sys.argv = ["headrace", "pipelines", "show", {str(mill.path)!r}, "grind", "-o", "json"]
        try:
            headrace.cli.main()
        finally:
            print([name for name in ("sqlalchemy", "rich") if name in sys.modules], file=sys.stderr)"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == "[]\n"


def test_version_and_help_answer_at_once(headrace: Command) -> None:
    """In seconds of a processor, which a busy machine changes little."""
    for words in (["--version"], ["--help"], ["run", "--help"], ["runs", "show", "--help"]):
        taken = [_seconds(headrace, words) for _ in range(4)]
        assert min(taken) < 0.15, (words, taken)


def _seconds(headrace: Command, words: list[str]) -> float:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    headrace(*words)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_the_module_is_the_command(headrace: Command) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "headrace", "--version"], env=os.environ, capture_output=True, text=True, check=True
    )
    assert done.stdout == f"headrace {__version__}\n" == headrace("--version").out


def test_help_of_every_command(headrace: Command) -> None:
    front = headrace("--help").out
    for words in ("init", "run", "runs", "pipelines"):
        assert words in front
    for words in (["runs"], ["runs", "logs"], ["init"]):
        assert "Usage: headrace " + " ".join(words) in headrace(*words, "--help").out
    assert headrace(code=2).err.startswith("Usage: headrace")
