"""Project folders of the shapes that are measured, written for one measurement."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

EMPTY = """
@custom
def nothing(*args, **kwargs):
    pass
"""


def write(folder: Path, pipeline: str, graph: Mapping[str, Sequence[str]], code: Mapping[str, str]) -> Path:
    """A project with one pipeline of custom blocks; those without code of their own do nothing."""
    blocks = [
        {"uuid": block, "type": "custom", "language": "python", "upstream_blocks": list(upstream)}
        for block, upstream in graph.items()
    ]
    (folder / "custom").mkdir(parents=True, exist_ok=True)
    for block in graph:
        (folder / "custom" / f"{block}.py").write_text(code.get(block, EMPTY))
    place = folder / "pipelines" / pipeline
    place.mkdir(parents=True, exist_ok=True)
    (place / "metadata.yaml").write_text(yaml.safe_dump({"name": pipeline, "type": "python", "blocks": blocks}))
    return folder


def chain(length: int) -> dict[str, list[str]]:
    return {f"b{n}": [f"b{n - 1}"] if n else [] for n in range(length)}


def fan_out(width: int) -> dict[str, list[str]]:
    middle = {f"m{n}": ["first"] for n in range(width)}
    return {"first": [], **middle, "last": list(middle)}
