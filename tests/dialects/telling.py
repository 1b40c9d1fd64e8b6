"""Stories that pages of the documentation tell by `curl`: their commands are run, in order, and answered as is shown."""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

GUIDES = Path(__file__).parents[2] / "docs" / "guides"
STEP = re.compile(r"```bash\n(?P<command>.+?)```\n\n```json\n(?P<shown>.+?)```(?P<rest>.*?)(?=```bash|\Z)", re.DOTALL)
KEEP = re.compile(r"<!-- keep (\w+) = ([\w.]+) -->")
OTHERS = "…"  # stands for fields that are not shown
_VARIES = (  # from one server to another: moments, ids in both forms, tokens, numbers of an error
    r"\d{4}-\d\d-\d\d[ T][^ ]*",
    r"[0-9a-f]{8}([-_]?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}",
    r"eyJ[\w.-]+",
    r"\d+(?=\.$)",
)
VARIES = re.compile("|".join(f"(?:{each})" for each in _VARIES))


@dataclass(frozen=True)
class Step:
    """A command, what is shown of its answer, and what of that is used further on: variables, by their places."""

    command: str
    shown: Any
    kept: Mapping[str, str]


def tell(page: str, known: Mapping[str, str]) -> None:
    """Fails unless each command of the page is answered as it shows; `known` are variables of its shell."""
    text = (GUIDES / page).read_text()
    told = list(_steps(text))
    assert len(told) == text.count("```bash")
    for step in told:
        answer = _answered(step.command, known)
        compare(step.shown, answer, step.command)
        known = {**known, **{name: str(_at(answer, place)) for name, place in step.kept.items()}}


def _steps(text: str) -> Iterator[Step]:
    for found in STEP.finditer(text):
        yield Step(found["command"], json.loads(found["shown"]), dict(KEEP.findall(found["rest"])))


def _answered(command: str, known: Mapping[str, str]) -> Any:
    asked = ["bash", "-euo", "pipefail", "-c", command]
    done = subprocess.run(asked, env={**os.environ, **known}, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return json.loads(done.stdout)


def _at(answer: Any, place: str) -> Any:
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
        case str() if isinstance(answer, str):
            assert VARIES.sub(OTHERS, answer) == VARIES.sub(OTHERS, shown), f"{place}: {answer}"
        case int() if place.endswith("id"):
            assert isinstance(answer, int), f"{place}: {answer}"
        case _:
            assert answer == shown, f"{place}: {answer!r} and not {shown!r}"
