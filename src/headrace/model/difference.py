"""Difference: what taking over a file of triggers would do to those that are kept."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, cast

from headrace.model.trigger import Definition, TriggerSettings, TriggerType

Stand = tuple[Definition, bool]  # a trigger's definition, and whether it is active

_NAMES = {"type": "schedule_type", "interval": "schedule_interval", "zone": "timezone"}  # of fields, in the format


class Deed(StrEnum):
    CREATE = "create"
    CHANGE = "change"
    ACTIVATE = "activate"
    PAUSE = "pause"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field by its name in the format, such as `schedule_interval`, `settings.timeout` or `variables.region`.

    What is not there, before or after, is None.
    """

    field: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Step:
    """What would be done to the trigger of that name; `changes` are those of a change."""

    name: str
    deed: Deed
    changes: tuple[FieldChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Difference:
    """The steps, in the order of the file, one trigger's after each other; and the kept triggers that no file has."""

    steps: tuple[Step, ...]
    unwritten: tuple[str, ...]

    @property
    def nothing(self) -> bool:
        """Would taking the file over do nothing at all?"""
        return all(step.deed is Deed.NOTHING for step in self.steps)


def between(written: Mapping[str, Stand], kept: Mapping[str, Stand]) -> Difference:
    """What taking over the triggers that are written would do to those that are kept, both by their names.

    A kept trigger that is not written stays as it is. Backfills' triggers are never written, and left out.
    """
    steps = (step for name, stand in written.items() for step in _steps(name, stand, kept.get(name)))
    ours = (name for name, (definition, _) in kept.items() if definition.type is not TriggerType.BACKFILL)
    return Difference(tuple(steps), tuple(sorted(set(ours) - written.keys())))


def changes(before: Definition, after: Definition) -> tuple[FieldChange, ...]:
    """The fields in which two definitions differ, in the order of the definition."""
    was, now = dict(_flat(before)), dict(_flat(after))
    differing = (name for name in {**was, **now} if (name in was) != (name in now) or not _same(was[name], now[name]))
    return tuple(FieldChange(name, was.get(name), now.get(name)) for name in differing)


def _steps(name: str, written: Stand, kept: Stand | None) -> Iterator[Step]:
    definition, active = written
    was_active = kept[1] if kept else False
    changed = changes(kept[0], definition) if kept else ()
    if kept is None:
        yield Step(name, Deed.CREATE)
    if changed:
        yield Step(name, Deed.CHANGE, changed)
    if active != was_active:
        yield Step(name, Deed.ACTIVATE if active else Deed.PAUSE)
    elif kept and not changed:
        yield Step(name, Deed.NOTHING)


def _flat(definition: Definition) -> Iterator[tuple[str, Any]]:
    """The fields by their names in the format; those of settings and variables one by one."""
    for each in fields(definition):
        value = getattr(definition, each.name)
        match each.name:
            case "settings":
                yield from _flat_settings(value)
            case "variables":
                yield from ((f"variables.{name}", below) for name, below in value.items())
            case _:
                yield _NAMES.get(each.name, each.name), value


def _flat_settings(settings: TriggerSettings) -> Iterator[tuple[str, Any]]:
    for each in fields(settings):
        if each.name != "extra":
            yield f"settings.{each.name}", getattr(settings, each.name)
    yield from ((f"settings.{name}", value) for name, value in settings.extra.items())


def _same(one: Any, other: Any) -> bool:
    """Are two values equal? True and 1, which Python takes for the same, are not."""
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        return _all_same(cast(Mapping[str, Any], one), cast(Mapping[str, Any], other))
    if isinstance(one, list) and isinstance(other, list):
        return _all_same(dict(enumerate(cast(list[Any], one))), dict(enumerate(cast(list[Any], other))))
    return isinstance(one, bool) == isinstance(other, bool) and one == other


def _all_same(one: Mapping[Any, Any], other: Mapping[Any, Any]) -> bool:
    return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
