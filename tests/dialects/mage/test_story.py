"""The story that docs/guides/mage_api.md tells: its commands are run, in order, and answered as it shows."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tests.api.conftest import Served
from tests.api.sockets import listening_at

from headrace.model.access import Grant, Role
from headrace.operations import users

PAGE = Path(__file__).parents[3] / "docs" / "guides" / "mage_api.md"
STEP = re.compile(r"```bash\n(?P<command>.+?)```\n\n```json\n(?P<shown>.+?)```(?P<rest>.*?)(?=```bash|\Z)", re.DOTALL)
KEEP = re.compile(r"<!-- keep (\w+) = ([\w.]+) -->")
OTHERS = "…"  # stands for fields that are not shown
VARIES = re.compile(r"\d{4}-\d\d-\d\d .*|[0-9a-f]{32}|eyJ.*|.*\d+\.")  # from one server to another: dates, tokens, ids


@dataclass(frozen=True)
class Step:
    """A command, what is shown of its answer, and what of that is used further on: variables, by their places."""

    command: str
    shown: Any
    kept: Mapping[str, str]


def steps() -> Iterator[Step]:
    for found in STEP.finditer(PAGE.read_text()):
        yield Step(found["command"], json.loads(found["shown"]), dict(KEEP.findall(found["rest"])))


def test_the_story_is_as_it_is_told(alone: Served) -> None:
    alone.run("grind")  # so that its tag is known
    users.create(alone.app, "ada", "correct horse", [Grant(Role.EDITOR)], email="ada@mill.example")
    told = list(steps())
    assert len(told) == PAGE.read_text().count("```bash")
    with listening_at(alone) as site:
        known = {"URL": site.url, "TOKEN": alone.said[Role.EDITOR]}
        for step in told:
            answer = answered(step.command, known)
            compare(step.shown, answer, step.command)
            known |= {name: str(at(answer, place)) for name, place in step.kept.items()}


def answered(command: str, known: Mapping[str, str]) -> Any:
    asked = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(asked, env={**os.environ, **known}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def at(answer: Any, place: str) -> Any:
    for step in place.split("."):
        answer = answer[int(step) if step.isdigit() else step]
    return answer


def compare(shown: Any, answer: Any, place: str) -> None:
    """Fails unless the answer is what is shown, but for what differs from one server to another."""
    match shown:
        case dict():
            fields = cast("dict[str, Any]", shown)
            named = {name for name in fields if name != OTHERS}
            assert named <= set(answer) if OTHERS in fields else named == set(answer), f"{place}: {answer}"
            for name in named:
                compare(fields[name], answer[name], f"{place}.{name}")
        case list():
            items = cast("list[Any]", shown)
            assert len(answer) == len(items), f"{place}: {answer}"
            for number, (item, other) in enumerate(zip(items, answer, strict=True)):
                compare(item, other, f"{place}.{number}")
        case str() if VARIES.fullmatch(shown):
            assert VARIES.fullmatch(answer), f"{place}: {answer}"
        case int() if place.endswith("id"):
            assert isinstance(answer, int), f"{place}: {answer}"
        case _:
            assert answer == shown, f"{place}: {answer!r} and not {shown!r}"


def test_the_comparison_sees_what_is_not_as_it_is_shown() -> None:
    wrong: list[tuple[Any, Any]] = [
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1, OTHERS: OTHERS}, {"b": 2}),
        ([1], [1, 2]),
        ("completed", "failed"),
        ("2026-01-01 00:00:00+00:00", "yesterday"),
        (None, "x"),
    ]
    for shown, answer in wrong:
        try:
            compare(shown, answer, "it")
        except AssertionError:
            continue
        raise AssertionError(f"{answer} was taken for {shown}")
