"""A trigger's definition, told by the fields of the Mage format."""

from collections.abc import Mapping
from typing import Any

from headrace import errors
from headrace.model.rule import RuleKind
from headrace.model.trigger import Definition, TriggerSettings, TriggerType
from headrace.operations import documents
from headrace.project import Written, entries, fields
from headrace.project.fields import Field

NAMES = frozenset({
    "name", "description", "schedule_type", "schedule_interval", "timezone", "start_time", "variables", "sla",
    "settings", "rules", "event_matchers", "tags",
})  # fmt: skip
STATUSES = ("active", "inactive")


def over(was: Definition, given: Mapping[str, Any]) -> Definition:
    """That definition with what is given of NAMES in place of what was; what another type does not know is no more.

    A variable that is given as it is shown, masked, stays as it was. Raises BadField, and BadSchedule.
    """
    said = {name: value for name, value in given.items() if name in NAMES}
    if isinstance(said.get("variables"), dict):
        said["variables"] = documents.unmasked(said["variables"], was.variables)
    written = _plain(was) | _usual(said)
    if written["schedule_type"] != TriggerType.TIME:
        written["schedule_interval"] = None
    if written["schedule_type"] != TriggerType.EVENT:
        written["rules"] = None
    elif "event_matchers" in said:
        written["rules"] = [rule for rule in written["rules"] or () if rule["on"] != RuleKind.PAYLOAD]
    return _read(written)


def settings(given: Any) -> TriggerSettings:
    """What holds for runs, as the format's `settings` say it. BadField."""
    usual = {"name": "settings", "schedule_type": "api", "settings": given}
    return _read(usual).settings


def plain_settings(settings: TriggerSettings) -> dict[str, Any]:
    """The settings as the format has them: what differs from how it would be anyway."""
    return _plain(Definition(name="settings", type=TriggerType.API, settings=settings))["settings"] or {}


def is_active(given: Any) -> bool:
    """Whether a trigger of that status is. BadField for no status."""
    if given not in STATUSES:
        raise errors.BadField(field="status", given=given, expected=" or ".join(STATUSES))
    return given == "active"


def _plain(definition: Definition) -> dict[str, Any]:
    told = entries.plain(Written(definition, False, None, None, (), "", 0))
    told["start_time"] = definition.start_time and definition.start_time.isoformat()
    return told


def _usual(given: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing and 0 say of a number that there is none, as Mage's own pages do."""
    said = dict(given)
    if not said.get("sla"):
        said |= {"sla": None} if "sla" in said else {}
    own: Any = said.get("settings")
    if isinstance(own, dict) and "pipeline_run_limit" in own and not own["pipeline_run_limit"]:
        said["settings"] = {**own, "pipeline_run_limit": None}
    return said


def _read(written: Mapping[str, Any]) -> Definition:
    try:
        return entries.read(Field(dict(written)), "", 0, _say_nothing).definition
    except fields.Wrong as wrong:
        if wrong.field == "schedule_interval":
            raise errors.BadSchedule(
                field="interval", given=written["schedule_interval"], expected=str(wrong)
            ) from None
        raise errors.BadField(f"{wrong.field}: {wrong}", field=wrong.field, given=None, expected=str(wrong)) from None


def _say_nothing(field: Field, why: str) -> None:
    """What is passed over is passed over, as Mage does."""
