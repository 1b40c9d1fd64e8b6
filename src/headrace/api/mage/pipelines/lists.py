"""Lists of pipelines: which of them are asked for, and in which order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from headrace.api.mage.pipelines.shapes import MagePipeline
from headrace.api.mage.queries import Query
from headrace.model.trigger import Trigger

UNTAGGED = "no_tags"  # Mage's word for no tag at all
Triggers = Mapping[str, Sequence[Trigger]]  # by pipeline


@dataclass(frozen=True, slots=True)
class Wanted:
    """None leaves open what it would say."""

    search: str | None
    tags: Sequence[str] | None
    types: Sequence[str] | None
    statuses: Sequence[str] | None  # of its triggers: active, inactive, no_schedules

    def has(self, told: MagePipeline, triggers: Triggers) -> bool:
        """Is the pipeline one of the list?"""
        return (
            (self.search is None or self.search.lower() in told["uuid"].lower())
            and (self.types is None or told["type"] in self.types)
            and (self.tags is None or self._has_tag(told))
            and (self.statuses is None or standing(triggers.get(told["uuid"], ())) in self.statuses)
        )

    def _has_tag(self, told: MagePipeline) -> bool:
        tags = self.tags or ()
        return (UNTAGGED in tags and not told["tags"]) or any(tag in tags for tag in told["tags"])


def wanted(query: Query) -> Wanted:
    """Statuses count only where schedules are asked for, too."""
    statuses = query.several("status") if query.flag("include_schedules") else None
    return Wanted(query.text("search"), query.several("tag"), query.several("type"), statuses)


def standing(triggers: Sequence[Trigger]) -> str:
    if not triggers:
        return "no_schedules"
    return "active" if any(trigger.active for trigger in triggers) else "inactive"


def ordered(found: Sequence[MagePipeline], names: Sequence[str], triggers: Triggers) -> list[MagePipeline]:
    """By those columns, one after the other; a `-` before the first turns the whole list round."""
    columns = [name.removeprefix("-") for name in names]
    keys = [_KEYS[name] for name in columns if name in _KEYS] or [_KEYS["uuid"]]
    turned = bool(names) and names[0].startswith("-")
    return sorted(found, key=lambda told: [key(told, triggers) for key in keys], reverse=turned)


_KEYS: Mapping[str, Callable[[MagePipeline, Triggers], Any]] = {
    "uuid": lambda told, _: told["uuid"],
    "name": lambda told, _: told["name"].lower(),
    "type": lambda told, _: told["type"],
    "description": lambda told, _: (told["description"] or "").lower(),
    "created_at": lambda told, _: told["created_at"] or "",
    "updated_at": lambda told, _: told["updated_at"] or "",
    "tags": lambda told, _: sorted(told["tags"]),
    "blocks": lambda told, _: len(told["blocks"]),
    "triggers": lambda told, triggers: len(triggers.get(told["uuid"], ())),
    "status": lambda told, triggers: standing(triggers.get(told["uuid"], ())),
}
