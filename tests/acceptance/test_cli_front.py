"""The command itself: quick to answer, and the same as `python -m headrace`."""

import os
import subprocess
import sys

import pytest
from tests.acceptance.conftest import Command, Folder

from headrace import __version__
from headrace.cli import db, pipelines, runs

HEAVY = ("sqlalchemy", "alembic", "rich", "yaml", "jinja2", "msgspec", "pandas", "pyarrow", "numpy", "xxhash")


COMMANDS = (
    [],
    ["init"],
    ["run"],
    ["runs"],
    *(["runs", name] for name in runs.COMMANDS),
    ["pipelines"],
    *(["pipelines", name] for name in pipelines.COMMANDS),
    ["apply"],
    ["engine"],
    ["db"],
    *(["db", name] for name in db.COMMANDS),
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


RARE = (
    "alembic",
    "cryptography",
    "deltalake",
    "duckdb",
    "httpx",
    "jwt",
    "pandas",
    "polars",
    "pyarrow",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlglot",
    "headrace.api.mage",
    "headrace.api.oidc",
    "headrace.api.truestate",
    "headrace.api.v1.schemas",
)


def test_a_server_gets_ready_without_what_it_may_never_need() -> None:
    script = f"""if True:
        import sys, headrace.cli.serving
        print([name for name in {RARE} if name in sys.modules])"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_nothing_is_looked_at_for_garbage_before_a_command_has_what_it_needs(mill: Folder) -> None:
    """And from then on it is: what was imported stays out of it."""
    script = """if True:
        import gc, sys, headrace.cli
        from headrace.app import App
        opened = App.__init__
        def noted(app, *given):
            print(gc.isenabled())
            opened(app, *given)
        App.__init__ = noted
        sys.argv = ["headrace", "runs", "list"]
        try:
            headrace.cli.main()
        finally:
            print(gc.isenabled(), gc.get_freeze_count() > 50_000)"""
    environment = {**os.environ, "HEADRACE_HOME": str(mill.path.parent / "home")}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment)
    assert [line for line in done.stdout.splitlines() if "True" in line or "False" in line] == ["False", "True True"]


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
