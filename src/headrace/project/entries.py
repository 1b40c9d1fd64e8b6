"""One entry of a triggers.yaml: Field → Written, and Written → what is to be written of it."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeVar

from headrace import errors
from headrace.model import schedule
from headrace.model.rule import Rule
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType
from headrace.project import concurrency, files, moments, retries, rules
from headrace.project.fields import Field

_KNOWN = frozenset({
    "name", "description", "pipeline_uuid", "schedule_type", "schedule_interval", "timezone", "start_time", "status",
    "last_enabled_at", "variables", "sla", "settings", "rules", "event_matchers", "tags", "envs", "token", "repo_path",
})  # fmt: skip
_SETTINGS = frozenset(each.name for each in dataclasses.fields(TriggerSettings)) - {"extra"}
_SCHEDULE = {"zone": "timezone", "interval": "schedule_interval"}  # what the format calls the fields of a schedule
_TIMEOUT_STATUSES = ("failed", "cancelled")


class _Type(StrEnum):
    """The types that can be written; a backfill's trigger is in no file."""

    TIME = TriggerType.TIME
    API = TriggerType.API
    EVENT = TriggerType.EVENT


class _Status(StrEnum):
    ACTIVE = "active"
    INACTIVE = "inactive"


Word = TypeVar("Word", bound=StrEnum)
Usual = TypeVar("Usual")
Warn = Callable[[Field, str], None]


@dataclass(frozen=True, slots=True)
class Written:
    """A trigger as its entry has it. `pipeline` is the one whose folder holds the file, `index` the entry's place.

    `envs` are the environments it is for, all when empty; `token` is None where the file leaves it to headrace.
    """

    definition: Definition
    active: bool
    last_enabled_at: datetime | None
    token: str | None
    envs: tuple[str, ...]
    pipeline: str
    index: int


def read(entry: Field, pipeline: str, index: int, warn: Warn) -> Written:
    """The trigger that an entry defines. Raises Wrong at the field that is not what the format has there."""
    _refuse_nul(entry)
    written = Written(
        definition=_definition(entry, warn),
        active=_word(entry.at("status"), _Status, _Status.INACTIVE) == _Status.ACTIVE,
        last_enabled_at=moments.read(entry.at("last_enabled_at")),
        token=entry.at("token").text() or None,
        envs=_names(entry.at("envs")),
        pipeline=pipeline,
        index=index,
    )
    _warn_unused(entry, pipeline, warn)
    return written


def name_of(entry: Field) -> str:
    """The name of an entry's trigger. Raises Wrong when it has none that can be one."""
    written = entry.at("name")
    if isinstance(written.value, bool) or not written.text().strip():
        raise written.wrong("a name, as text")
    if files.unprintable(written.text()):
        raise written.refused("a name of nothing unprintable is expected")
    return written.text()


def plain(written: Written) -> dict[str, Any]:
    """The fields of an entry as they are written, None where there is nothing to say; moments are datetimes."""
    definition = written.definition
    return {
        "name": definition.name,
        "description": definition.description or None,
        "pipeline_uuid": written.pipeline,
        "schedule_type": str(definition.type),
        "schedule_interval": definition.interval,
        "timezone": definition.zone if definition.zone != "UTC" else None,
        "start_time": definition.start_time,
        "status": str(_Status.ACTIVE if written.active else _Status.INACTIVE),
        "last_enabled_at": written.last_enabled_at,
        "variables": dict(definition.variables) or None,
        "sla": definition.sla,
        "settings": _plain_settings(definition.settings) or None,
        "rules": [rules.plain(each) for each in definition.rules] or None,
        "tags": list(definition.tags) or None,
        "envs": list(written.envs) or None,
        "token": written.token,
    }


def _definition(entry: Field, warn: Warn) -> Definition:
    type = _type(entry)
    settings = _settings(entry.at("settings"))
    start_time = moments.read(entry.at("start_time"))
    return Definition(
        name=name_of(entry),
        type=TriggerType(type),
        interval=_interval(entry, type, start_time if settings.landing_time_enabled else None, warn),
        zone=entry.at("timezone").text() or "UTC",
        start_time=start_time,
        description=entry.at("description").text(),
        variables=entry.at("variables").mapping(),
        sla=concurrency.number(entry.at("sla")),
        settings=settings,
        rules=_rules(entry, type, warn),
        tags=_names(entry.at("tags")),
    )


def _type(entry: Field) -> _Type:
    """Where no type is written, an interval says that it is time's."""
    usual = _Type.TIME if entry.at("schedule_interval").value else None
    type = _word(entry.at("schedule_type"), _Type, usual)
    if type is None:
        raise entry.at("schedule_type").wrong(f"one of {', '.join(_Type)}")
    return type


def _interval(entry: Field, type: _Type, landing: datetime | None, warn: Warn) -> str | None:
    """The interval as it is written, if it is one that a time trigger can have. The zone is looked at in any case."""
    written = entry.at("schedule_interval")
    if type is not _Type.TIME:
        if written.value:
            warn(written, f"a trigger of type {type} has no interval; it is passed over")
        _refuse_schedule(entry, "@once", None)
        return None
    if not written.text().strip():
        raise written.wrong("@hourly, @daily or the like, or cron")
    _refuse_schedule(entry, written.text(), landing)
    return written.text()


def _refuse_schedule(entry: Field, interval: str, landing: datetime | None) -> None:
    try:
        schedule.parse(interval, entry.at("timezone").text() or "UTC", landing)
    except errors.BadSchedule as error:
        raise entry.at(_SCHEDULE[error.facts["field"]]).wrong(error.facts["expected"]) from None
    except OverflowError:
        raise entry.at("start_time").wrong("a moment that the zone's calendar has") from None


def _settings(written: Field) -> TriggerSettings:
    return TriggerSettings(
        skip_if_previous_running=written.at("skip_if_previous_running").flag(),
        allow_blocks_to_fail=written.at("allow_blocks_to_fail").flag(),
        create_initial_pipeline_run=written.at("create_initial_pipeline_run").flag(),
        landing_time_enabled=written.at("landing_time_enabled").flag(),
        pipeline_run_limit=concurrency.number(written.at("pipeline_run_limit")),
        timeout=written.at("timeout").seconds() or None,  # the format has 0 for none
        timeout_status=_timeout_status(written.at("timeout_status")),
        retry_config=retries.read(written.at("retry_config")),
        catch_up=_word(written.at("catch_up"), CatchUp, CatchUp.LAST),
        extra=written.rest(_SETTINGS),
    )


def _timeout_status(written: Field) -> str:
    if written.value and written.value not in _TIMEOUT_STATUSES:
        raise written.wrong(" or ".join(_TIMEOUT_STATUSES))
    return written.value or TriggerSettings().timeout_status


def _plain_settings(settings: TriggerSettings) -> dict[str, Any]:
    """What differs from how it would be anyway."""
    usual = TriggerSettings()
    changed = {name: getattr(settings, name) for name in sorted(_SETTINGS)}
    changed = {name: value for name, value in changed.items() if value != getattr(usual, name)}
    return {name: _plain_setting(value) for name, value in changed.items()} | dict(settings.extra)


def _plain_setting(value: Any) -> Any:
    if isinstance(value, CatchUp):
        return str(value)
    return rules.number(value) if isinstance(value, float) else value


def _rules(entry: Field, type: _Type, warn: Warn) -> tuple[Rule, ...]:
    read = rules.read(entry)
    if type is not _Type.EVENT:
        if read:
            warn(entry.at("rules"), f"a trigger of type {type} has no rules; they are passed over")
        return ()
    if not read:
        warn(entry.at("rules"), "an event trigger without rules begins no runs")
    return read


def _word(written: Field, words: type[Word], usual: Usual) -> Word | Usual:
    """One of the words, or the usual one where nothing is written."""
    if written.value in (None, ""):
        return usual
    if written.value not in list(words):
        raise written.wrong(f"one of {', '.join(words)}")
    return words(written.value)


def _names(written: Field) -> tuple[str, ...]:
    names = tuple(each.text().strip() for each in written.items())
    if "" in names:
        raise Field(None, (*written.path, names.index(""))).wrong("a name")
    return names


def _refuse_nul(written: Field) -> None:
    """No database keeps a NUL in a text."""
    match written.value:
        case str():
            if "\0" in written.value:
                raise written.refused("a text with a NUL in it cannot be kept")
        case dict():
            for name in written.mapping():
                _refuse_nul(Field(name, written.path))
                _refuse_nul(written.at(name))
        case list():
            for each in written.items():
                _refuse_nul(each)
        case _:
            return


def _warn_unused(entry: Field, pipeline: str, warn: Warn) -> None:
    for name in entry.rest(_KNOWN):
        warn(entry.at(name), "this is no field of a trigger; it is passed over")
    named = entry.at("pipeline_uuid")
    if named.value not in (None, "", pipeline):
        warn(named, f"{named.value!r} is not the pipeline of this folder; {pipeline!r} is taken")
