"""Names as Kubernetes and Argo take them, made from any text, the same each time; and the ids of nodes."""

import re
from collections.abc import Iterable

LONGEST = 63  # characters of a label, as DNS has it
ENTRY = "main"  # the template that a workflow begins with; no step is called so
_MARK = 9  # characters of a dash and a hash
_LETTER = "step-"  # before what begins with a digit: no task that others depend on may

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_OTHER = re.compile(r"[^a-z0-9]+")


def label(text: str, longest: int = LONGEST) -> str:
    """The text, if it is a label; else what of it can stand in one, and a hash that tells it from other texts."""
    if len(text) <= longest and _LABEL.fullmatch(text):
        return text
    kept = _OTHER.sub("-", text.lower()).strip("-")[: longest - _MARK].rstrip("-")
    return f"{kept or 'x'}-{hashed(text):08x}"


def tasks(steps: Iterable[str]) -> dict[str, str]:
    """A label for each step that begins with a letter and that no other of them has, in whatever order they are named."""
    found: dict[str, str] = {}
    for step in sorted(set(steps)):
        name, mark = _task(step), step
        while name == ENTRY or name in found.values():
            mark += "'"
            name = f"{_task(step, LONGEST - _MARK)}-{hashed(mark):08x}"
        found[step] = name
    return found


def _task(step: str, longest: int = LONGEST) -> str:
    name = label(step, longest)
    return _LETTER + label(step, longest - len(_LETTER)) if name[0].isdigit() else name


def workflow(pipeline: str, run: str) -> str:
    """The name of a run's workflow: made from its uid, so that submitting it twice makes one."""
    return f"{label(pipeline, LONGEST - len(run) - 1)}-{run}"


def node(workflow: str, task: str | None = None, attempt: int | None = None) -> str:
    """What a node is called: the workflow's own, a task's, or that of one attempt at the task, counted from 0."""
    if task is None:
        return workflow
    return f"{workflow}.{task}" if attempt is None else f"{workflow}.{task}({attempt})"


def node_id(workflow: str, node: str) -> str:
    """By which Argo keeps it."""
    return workflow if node == workflow else f"{workflow}-{hashed(node)}"


def hashed(text: str) -> int:
    """FNV-1a of 32 bits."""
    value = 0x811C9DC5
    for byte in text.encode():
        value = (value ^ byte) * 0x01000193 & 0xFFFFFFFF
    return value
