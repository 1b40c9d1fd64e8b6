"""libyaml's safe loader, with bounds on what a text may make it do."""

from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from typing import Any, cast

import yaml

from headrace.project.faults import DEEPEST, MOST_VALUES, NotYaml, Path


class _Loader(yaml.CSafeLoader):
    """The safe loader, with a bound on what merge keys (`<<`) may multiply."""

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        super().flatten_mapping(node)
        if len(node.value) > MOST_VALUES:
            raise NotYaml("its merge keys multiply without end", node.start_mark.line + 1)


def load(text: str) -> Any:
    """The values as the loader makes them. Raises NotYaml."""
    with _refusals(text):
        _refuse_deep(text)
        return yaml.load(text, Loader=_Loader)  # noqa: S506 - a subclass of the safe loader


def load_apart(text: str, name: str) -> tuple[Any, list[Any] | None]:
    """As `load`, but the list under that name at the top is apart, None where there is no such list.

    An entry of it that cannot be made is its NotYaml, in its place.
    """
    with _refusals(text):
        _refuse_deep(text)
        root = cast(Any, yaml.compose(text, Loader=_Loader))
        below = _child(root, name) if root else None
        if below is None or below.id != "sequence":
            return (_made(root) if root else None), None
        nodes, below.value = below.value, []
        return _made(root), [_made_or_error(text, node) for node in nodes]


def _made(node: Any) -> Any:
    loader = _Loader("")
    try:
        return cast(Any, loader).construct_document(node)
    finally:
        loader.dispose()


def _made_or_error(text: str, node: Any) -> Any:
    try:
        with _refusals(text):
            return _made(node)
    except NotYaml as error:
        return NotYaml(str(error), error.line or node.start_mark.line + 1, error.column)


@contextmanager
def _refusals(text: str) -> Generator[None]:
    """Whatever the library raises for a text becomes a NotYaml."""
    try:
        yield
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = (mark.line + 1, mark.column + 1) if mark else (None, None)
        raise NotYaml(error.problem or error.context or "it cannot be read", *place) from None
    except yaml.reader.ReaderError as error:
        before = text[: error.position]
        raise NotYaml(error.reason, before.count("\n") + 1, error.position - before.rfind("\n")) from None
    except NotYaml:
        raise
    except (ValueError, LookupError, AttributeError, TypeError) as error:  # of a value that its own tag does not fit
        raise NotYaml(f"a value is not of the kind it is written as ({error})") from None


def lines_of(text: str, paths: Sequence[Path]) -> list[int | None]:
    """The line of each, from 1, as the value stands there, or the nearest that holds it; None if text is no YAML."""
    try:
        root = cast(Any, yaml.compose(text, Loader=_Loader))
    except yaml.YAMLError:
        return [None] * len(paths)
    return [_line_below(root, path) for path in paths]


def _line_below(node: Any, path: Path) -> int | None:
    for step in path:
        below = _child(node, step)
        if below is None:
            break
        node = below
    return node.start_mark.line + 1 if node else None


def _child(node: Any, step: str | int) -> Any:
    if node.id == "sequence":
        return node.value[step] if isinstance(step, int) and step < len(node.value) else None
    pairs = node.value if node.id == "mapping" else ()
    return next((value for key, value in pairs if key.value == step), None)


def _refuse_deep(text: str) -> None:
    """Nesting is counted in the flat stream of events: the loader itself would run out of stack."""
    depth = 0
    for event in cast(Iterable[Any], yaml.parse(text, Loader=_Loader)):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > DEEPEST:
            mark = cast(yaml.Mark, event.start_mark)
            raise NotYaml(f"it is nested deeper than {DEEPEST} levels", mark.line + 1, mark.column + 1)
