"""The text of a pipeline's metadata.yaml saying something else; what stays the same stays as it is, to the letter."""

from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, cast

from headrace import errors
from headrace.project import document, edits, faults, fields
from headrace.project.fields import Field

LISTS = ("blocks", "callbacks", "conditionals", "widgets")  # of entries that a name tells apart
_BY_HAND = "it shares lines or an anchor with something else; change it by hand"

Document = Mapping[str, Any]


def new(whole: Document) -> str:
    """The text of a file that says that and nothing else."""
    return "".join(edits.put("", (name,), value) for name, value in whole.items())


def read(text: str, file: str) -> dict[str, Any]:
    """What the text says; `file` is what refusals call it. Raises BadPipeline."""
    try:
        return dict(Field(document.parse(text).value).mapping())
    except faults.NotYaml as error:
        place = document.place(file, error.line, error.column)
        raise errors.BadPipeline(file=place, field="this is not YAML", why=str(error)) from None
    except (faults.NotPlain, fields.Wrong) as error:
        place = document.place(file, document.line_of(text, error.path))
        raise errors.BadPipeline(file=place, field=fields.named(error.path), why=str(error)) from None


def rewrite(text: str, file: str, after: Document) -> str:
    """The text saying just that. Where blocks change their order, their list is written anew. Raises BadPipeline."""
    before = read(text, file)
    with _refusals(file):
        changed = text
        for name in LISTS:
            changed = _entries(changed, name, before.get(name), after.get(name))
        changed = edits.change(changed, (), before | {name: after[name] for name in LISTS if name in after}, {**after})
    if not _says(changed, file, after):
        raise errors.BadPipeline(file=file, field="the whole file", why=_BY_HAND)
    return changed


def _says(text: str, file: str, whole: Document) -> bool:
    try:
        return edits.same(read(text, file), whole)
    except errors.BadPipeline:
        return False


def _entries(text: str, name: str, before: Any, after: Any) -> str:
    """The text with that list as it is to be."""
    if edits.same(before, after) or after is None:
        return text
    if not (before and _named(before) and _named(after)):
        return edits.put(text, (name,), after)
    was, now = cast("list[dict[str, Any]]", before), cast("list[dict[str, Any]]", after)
    pairs = _paired(was, now)
    return edits.put(text, (name,), after) if pairs is None else _in_place(text, name, was, now, pairs)


def _named(entries: Any) -> bool:
    listed = cast("list[Any]", entries) if isinstance(entries, list) else [None]
    return all(isinstance(each, dict) and "uuid" in each for each in listed)


def _paired(was: Sequence[Document], now: Sequence[Document]) -> list[int | None] | None:
    """For each entry that was there the place it has now, None where it has gone; None for all if the order changes."""
    if len(was) == len(now) and _renames_at_most(was, now):
        return list(range(len(was)))
    places = {each["uuid"]: place for place, each in enumerate(now)}
    found = [places.get(each["uuid"]) for each in was]
    return found if [place for place in found if place is not None] == list(range(_kept(found))) else None


def _kept(found: Sequence[int | None]) -> int:
    return sum(place is not None for place in found)


def _renames_at_most(was: Sequence[Document], now: Sequence[Document]) -> bool:
    """Are all entries where they were, but for some that have a name which none had?"""
    known = {each["uuid"] for each in was}
    return all(old["uuid"] == new["uuid"] or new["uuid"] not in known for old, new in zip(was, now, strict=True))


def _in_place(
    text: str, name: str, was: Sequence[Document], now: Sequence[Document], places: Sequence[int | None]
) -> str:
    """Entries are changed where they stand, then those that have gone are taken out, and new ones put at the end."""
    for index, place in enumerate(places):
        if place is not None:
            text = edits.change(text, (name, index), was[index], now[place])
    if now and not _kept(places):
        return edits.put(text, (name,), [*now])
    for index in reversed([index for index, place in enumerate(places) if place is None]):
        text = edits.drop(text, (name, index))
    for place in range(_kept(places), len(now)):
        text = edits.put(text, (name, place), now[place])
    return text


@contextmanager
def _refusals(file: str) -> Generator[None]:
    try:
        yield
    except edits.Unchangeable as error:
        raise errors.BadPipeline(file=file, field="the whole file", why=f"{_BY_HAND}: {error}") from None
    except UnicodeEncodeError:
        raise errors.BadPipeline(file=file, field="the whole file", why="half a character cannot be written") from None
