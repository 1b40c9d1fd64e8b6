"""When a trigger begins runs, in words."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo

from headrace.cli import tables
from headrace.cli.tables import Column
from headrace.model.rule import Rule, RuleKind
from headrace.model.schedule import ALWAYS_ON, ONCE
from headrace.model.trigger import Definition, Trigger, TriggerType

_PERPETUAL = {ONCE: "once", ALWAYS_ON: "whenever its last run has ended"}


def when(definition: Definition) -> str:
    """30 2 * * * (Europe/Berlin), on a call, on the end of sales: what begins its runs."""
    match definition.type:
        case TriggerType.TIME:
            return tables.bare(f"{definition.interval} ({definition.zone})")
        case TriggerType.API:
            return "on a call"
        case TriggerType.EVENT:
            return tables.bare("; ".join(map(_on, definition.rules))) or "on nothing: it has no rule"
        case TriggerType.BACKFILL:
            return "for a backfill"


def ahead(trigger: Trigger, upcoming: Sequence[datetime]) -> str:
    """What comes of it now: a sentence."""
    definition = trigger.definition
    if not trigger.active:
        return "It is paused: it begins no runs until it is resumed."
    if definition.type is not TriggerType.TIME:
        return f"It begins runs {when(definition)}."
    if upcoming:
        local = (
            "" if definition.zone == "UTC" else f"{zoned(upcoming[0], definition.zone)} ({definition.zone}), which is "
        )
        return f"It fires next at {local}{zoned(upcoming[0], 'UTC')} in UTC."
    return f"It fires {_PERPETUAL.get(definition.interval or '', 'never again')}."


def table(upcoming: Sequence[datetime], zone: str, width: int | None) -> str:
    """The fire times, as the clocks of the zone show them and in UTC."""
    rows = [(zoned(at, zone), zoned(at, "UTC") if zone != "UTC" else "") for at in upcoming]
    return tables.render((Column(zone), Column("UTC")), rows, width)


def zoned(at: datetime, zone: str) -> str:
    """2026-03-29 03:00:00 +0200; in UTC without the offset."""
    local = at.astimezone(_found(zone))
    told = local.strftime("%Y-%m-%d %H:%M:%S")
    return told if zone == "UTC" else f"{told} {local:%z}"


def date(at: datetime) -> str:
    """The date of a run in UTC, without what is nought at the end."""
    told = at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S")
    return told.removesuffix(":00").removesuffix(" 00:00")


def _found(zone: str) -> tzinfo:
    """The zone; UTC where this machine knows none of that name, which the offset shows."""
    try:
        return ZoneInfo(zone)
    except (KeyError, ValueError, OSError):
        return UTC


def _on(rule: Rule) -> str:
    match rule.kind:
        case RuleKind.PAYLOAD:
            pattern = json.dumps(dict(rule.pattern), ensure_ascii=False)
            return f"on a payload that matches {pattern}" if rule.pattern else "on any payload"
        case RuleKind.PIPELINE:
            return f"when a run of {rule.subject} has {' or '.join(rule.statuses)}"
        case RuleKind.FILE:
            return f"when a file {rule.subject} has appeared"
        case RuleKind.DATASET:
            return f"when the dataset {rule.subject} has a new version"
