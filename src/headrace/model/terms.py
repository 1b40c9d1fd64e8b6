"""Terms: what a definition of a trigger may say, whoever wrote it and wherever."""

from typing import Any

from headrace import errors
from headrace.model import dataset, schedule
from headrace.model.rule import RuleKind
from headrace.model.run import FINAL_RUN
from headrace.model.trigger import Definition, TriggerType

STATUSES = ("failed", "cancelled")  # of a run that has used up its time
LONGEST_NAME = 255
LONGEST_SUBJECT = 1000
LONGEST = 31_536_000  # seconds: a year
LARGEST = 2**31 - 1  # of whole numbers, which the databases keep in 32 bits


def refuse_wrong(definition: Definition) -> None:
    """Raises BadTrigger, or BadSchedule, for the first thing that cannot be."""
    name, settings = definition.name, definition.settings
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable():
        _refuse("name", name, f"1 to {LONGEST_NAME} characters that can be printed")
    if "\x00" in definition.description:
        _refuse("description", definition.description, "text without NUL in it")
    if definition.type is TriggerType.TIME:
        schedule.of(definition)
    else:
        schedule.parse(schedule.ONCE, definition.zone)
    if definition.type is not TriggerType.TIME and definition.interval is not None:
        _refuse("interval", definition.interval, f"none, since its type is {definition.type.value}")
    if definition.sla is not None and not 1 <= definition.sla <= LARGEST:
        _refuse("sla", definition.sla, f"a whole number of seconds, 1 to {LARGEST}")
    if settings.pipeline_run_limit is not None and not 1 <= settings.pipeline_run_limit <= LARGEST:
        _refuse("settings.pipeline_run_limit", settings.pipeline_run_limit, f"a whole number, 1 to {LARGEST}")
    if settings.timeout is not None and not 0 < settings.timeout < float("inf"):
        _refuse("settings.timeout", settings.timeout, "a number of seconds above 0")
    if settings.timeout_status not in STATUSES:
        _refuse("settings.timeout_status", settings.timeout_status, " or ".join(STATUSES))
    if settings.landing_time_enabled and definition.start_time is None:
        _refuse("start_time", None, "a moment, whose time of day is when runs are to be over")
    _refuse_wrong_rules(definition)


def _refuse_wrong_rules(definition: Definition) -> None:
    if definition.rules and definition.type is not TriggerType.EVENT:
        _refuse("rules", len(definition.rules), f"none, since its type is {definition.type.value}")
    for place, rule in enumerate(definition.rules):
        if rule.kind is not RuleKind.PAYLOAD and not rule.subject:
            _refuse(f"rules[{place}]", rule.kind.value, f"the {rule.kind.value} that it is about")
        if rule.kind is RuleKind.DATASET and not dataset.is_name(rule.subject):
            _refuse(f"rules[{place}]", rule.subject[:80], f"the name of a dataset: {dataset.NAMES}")
        if len(rule.subject) > LONGEST_SUBJECT or not rule.subject.isprintable():
            _refuse(f"rules[{place}]", rule.subject[:80], f"at most {LONGEST_SUBJECT} characters that can be printed")
        if not 1 <= rule.every <= LONGEST:
            _refuse(f"rules[{place}].every", rule.every, f"a number of seconds, 1 to {LONGEST}")
        if not 0 <= rule.settle <= LONGEST:
            _refuse(f"rules[{place}].settle", rule.settle, f"a number of seconds, 0 to {LONGEST}")
        if not rule.statuses or not FINAL_RUN.issuperset(rule.statuses):
            expected = f"one or more of {', '.join(sorted(FINAL_RUN))}"
            _refuse(f"rules[{place}].statuses", list(rule.statuses), expected)


def _refuse(field: str, given: Any, expected: str) -> None:
    raise errors.BadTrigger(field=field, given=given, expected=expected)
