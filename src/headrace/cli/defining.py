"""A trigger is defined, or defined anew, by what the options of a command say of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import click

from headrace.cli import variables
from headrace.cli.parameters import Nothing
from headrace.model.rule import Rule, RuleKind
from headrace.model.schedule import ALWAYS_ON, ONCE
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType

KINDS = "--every, --cron, --once, --always-on, --api, or one or more of --on-payload, --on-pipeline, --on-file and --on-dataset"


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What is said of a trigger. None, False of a kind and empty sequences say nothing."""

    every: str | None = None
    cron: str | None = None
    once: bool = False
    always_on: bool = False
    api: bool = False
    on_payload: Sequence[Mapping[str, Any]] = ()
    on_pipeline: Sequence[str] = ()
    on_file: Sequence[str] = ()
    on_dataset: Sequence[str] = ()
    name: str | None = None
    zone: str | None = None
    start: datetime | Nothing | None = None
    variables: Sequence[str] = ()
    without: Sequence[str] = ()
    sla: int | Nothing | None = None
    timeout: float | Nothing | None = None
    timeout_status: str | None = None
    limit: int | Nothing | None = None
    skip_if_running: bool | None = None
    allow_blocks_to_fail: bool | None = None
    initial_run: bool | None = None
    landing: bool | None = None
    catch_up: str | None = None
    description: str | None = None
    tags: Sequence[str] = ()

    @property
    def interval(self) -> str | None:
        """When it fires by time, as it is to be kept."""
        return self.every or self.cron or (ONCE if self.once else ALWAYS_ON if self.always_on else None)

    @property
    def rules(self) -> tuple[Rule, ...]:
        return (
            *(Rule(kind=RuleKind.PAYLOAD, pattern=pattern) for pattern in self.on_payload),
            *(Rule(kind=RuleKind.PIPELINE, subject=subject) for subject in self.on_pipeline),
            *(Rule(kind=RuleKind.FILE, subject=subject) for subject in self.on_file),
            *(Rule(kind=RuleKind.DATASET, subject=subject) for subject in self.on_dataset),
        )

    @property
    def kinds(self) -> int:
        """How many kinds of trigger are said; it is to be one."""
        said = (self.every is not None, self.cron is not None, self.once, self.always_on, self.api, bool(self.rules))
        return sum(said)


def new(name: str, given: Given) -> Definition:
    """The definition of a new trigger. Raises UsageError unless it is said of one kind."""
    if given.kinds != 1:
        raise click.UsageError(f"Say what begins its runs, by one of {KINDS}.")
    return anew(Definition(name=name, type=TriggerType.API), given)


def anew(was: Definition, given: Given) -> Definition:
    """The definition with what is given in place of what was; all else stays. Raises UsageError for two kinds of trigger."""
    if given.kinds > 1:
        raise click.UsageError(f"A trigger is of one kind: give one of {KINDS}.")
    return replace(
        was,
        **_kind(given),
        **_said(
            name=given.name,
            zone=given.zone,
            start_time=given.start,
            sla=given.sla,
            description=given.description,
            tags=tuple(given.tags) or None,
        ),
        variables=_variables(was.variables, given),
        settings=_settings(was.settings, given),
    )


def _kind(given: Given) -> dict[str, Any]:
    if not given.kinds:
        return {}
    if given.interval is not None:
        return {"type": TriggerType.TIME, "interval": given.interval, "rules": ()}
    kind = TriggerType.EVENT if given.rules else TriggerType.API
    return {"type": kind, "interval": None, "rules": given.rules}


def _variables(was: Mapping[str, Any], given: Given) -> dict[str, Any]:
    kept = {name: value for name, value in was.items() if name not in given.without}
    return {**kept, **variables.parse(given.variables)}


def _settings(was: TriggerSettings, given: Given) -> TriggerSettings:
    return replace(
        was,
        **_said(
            skip_if_previous_running=given.skip_if_running,
            allow_blocks_to_fail=given.allow_blocks_to_fail,
            create_initial_pipeline_run=given.initial_run,
            landing_time_enabled=given.landing,
            pipeline_run_limit=given.limit,
            timeout=given.timeout,
            timeout_status=given.timeout_status,
            catch_up=CatchUp(given.catch_up) if given.catch_up else None,
        ),
    )


def _said(**values: Any) -> dict[str, Any]:
    """Those that say something; `none` takes back what was said before."""
    return {name: None if value is Nothing.NOTHING else value for name, value in values.items() if value is not None}
