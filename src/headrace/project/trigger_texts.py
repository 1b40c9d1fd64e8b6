"""The text of a triggers.yaml with one trigger put in or taken out; what else it says stays as it is, to the letter."""

from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any

from headrace import errors
from headrace.project import edits, entries, fields, triggers
from headrace.project.entries import Written
from headrace.project.fields import Field, Wrong

_ALWAYS = frozenset({  # what Mage wants written, if only as null
    "name", "pipeline_uuid", "schedule_type", "schedule_interval", "start_time", "status",
})  # fmt: skip
_BY_HAND = "it shares lines or an anchor with something else; change it by hand"


def put(text: str, file: str, written: Written) -> str:
    """The text with that trigger in it, in place of the one of its name or as the last.

    `file` is what refusals call it. Raises BadTriggers.
    """
    items = _items(text, file)
    name = written.definition.name
    index = next((place for place, each in enumerate(items) if _name(each) == name), len(items))
    with _refusals(file, index):
        changed = _put(text, items, index, written)
    _check(changed, file, index, written)
    _compare(changed, file, items, {index})
    return changed


def drop(text: str, file: str, name: str) -> str:
    """The text without any trigger of that name. Raises BadTriggers."""
    items = _items(text, file)
    gone = [index for index, each in enumerate(items) if _name(each) == name]
    changed = text
    for index in reversed(gone):
        with _refusals(file, index):
            changed = edits.drop(changed, (triggers.LIST, index))
    _compare(changed, file, [each for index, each in enumerate(items) if index not in gone], set())
    return changed


def _items(text: str, file: str) -> list[Any]:
    whole, _ = triggers.load(text, file)
    return [each.value for each in whole.at(triggers.LIST).items()]


def _name(item: Any) -> str | None:
    return triggers.name_of(Field(item))


def _put(text: str, items: list[Any], index: int, written: Written) -> str:
    """The text with the trigger as a new entry at the end, or with the fields that differ in the entry it has."""
    path, after = (triggers.LIST, index), entries.plain(written)
    if index == len(items):
        new = {name: value for name, value in after.items() if value is not None or name in _ALWAYS}
        return edits.put(text, path, new) if items else edits.put(text, path[:1], [new])
    before = _before(Field(items[index], path), written.pipeline)
    for name, value in _differing(before, after).items():
        if value is not None:
            text = edits.change(text, (*path, name), before.get(name), value)
        elif name in items[index]:
            text = edits.put(text, (*path, name), None)
    return text


def _before(entry: Field, pipeline: str) -> dict[str, Any]:
    """What an entry says; one with a fault, as it says it."""
    try:
        return entries.plain(entries.read(entry, pipeline, 0, _say_nothing))
    except Wrong:
        return dict(entry.mapping())


def _say_nothing(field: Field, why: str) -> None:
    """Whoever reads the file is told; whoever writes it is not told again."""


def _differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """The fields to be written. Once `rules` say what event matchers said, those are to say nothing."""
    differing = {name: value for name, value in after.items() if not edits.same(before.get(name), value)}
    return {**differing, "event_matchers": None} if "rules" in differing else differing


def _check(text: str, file: str, index: int, written: Written) -> None:
    """Raises BadTriggers unless the text says of the entry what was to be written."""
    read = triggers.parse(text, file, written.pipeline)
    place = fields.named((triggers.LIST, index))
    fault = next((each for each in read.faults if f"{each.field}.".startswith(f"{place}.")), None)
    if fault:
        raise errors.BadTriggers(file=file, field=fault.field, why=fault.why)
    found = next((each for each in read.entries if each.index == index), None)
    if found is None or not edits.same(entries.plain(found), entries.plain(written)):
        raise errors.BadTriggers(file=file, field=place, why="what is to be written would not be read as it is meant")


def _compare(text: str, file: str, items: list[Any], but: set[int]) -> None:
    """Raises BadTriggers unless the entries of the text are those, but for some."""
    now = _items(text, file)
    for index, item in enumerate(items):
        if index not in but and not edits.same(now[index : index + 1], [item]):
            raise errors.BadTriggers(file=file, field=fields.named((triggers.LIST, index)), why=_BY_HAND)


@contextmanager
def _refusals(file: str, index: int) -> Generator[None]:
    place = fields.named((triggers.LIST, index))
    try:
        yield
    except edits.Unchangeable as error:
        raise errors.BadTriggers(file=file, field=place, why=f"{_BY_HAND}: {error}") from None
    except UnicodeEncodeError:
        raise errors.BadTriggers(file=file, field=place, why="half a character cannot be written") from None
