"""Tags are listed and written down; what carries which is said where that is defined: in pipelines and triggers."""

from dataclasses import dataclass

from headrace import clock, errors
from headrace.app import App
from headrace.store.projects import ProjectRow
from headrace.store.tags import Tag

LONGEST = 255  # characters of a name
LONGEST_DESCRIPTION = 10_000


@dataclass(frozen=True, slots=True)
class Listed:
    """A tag by its name; one that is only carried has no id of its own, and no description."""

    name: str
    id: int | None = None
    description: str | None = None


def listed(app: App, project: ProjectRow) -> list[Listed]:
    """Those that were written down and those that the project's pipelines and triggers carry, by name."""
    known = {tag.name: _listed(tag) for tag in app.store.tags.all()}
    carried = {name: Listed(name) for name in app.store.tags.carried(project.id)}
    found = carried | known
    return [found[name] for name in sorted(found)]


def create(app: App, name: str, description: str | None = None) -> Listed:
    """The tag is written down. BadTag, TagExists."""
    _refuse("name", name, 1, LONGEST)
    if description is not None:
        _refuse("description", description, 0, LONGEST_DESCRIPTION)
    return _listed(app.store.tags.create(name, description, clock.now()))


def _refuse(field: str, text: str, least: int, most: int) -> None:
    if not least <= len(text.strip()) <= len(text) <= most or _is_torn(text):
        raise errors.BadTag(field=field, given=f"{text!r:.80}", expected=f"{least} to {most} characters of text")


def _is_torn(text: str) -> bool:
    """Whether it has what no text has: NUL, or half a character."""
    return any(each == "\0" or "\ud800" <= each <= "\udfff" for each in text)


def _listed(tag: Tag) -> Listed:
    return Listed(tag.name, tag.id, tag.description)
