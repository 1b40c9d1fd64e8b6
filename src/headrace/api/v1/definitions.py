"""How a trigger is defined: what bodies say of it, whole or field by field, by the names of its document."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Annotated, Any, Literal

from pydantic import Field, Strict

from headrace.api.v1 import given
from headrace.model.rule import Rule, RuleKind
from headrace.model.trigger import CatchUp, Definition, TriggerSettings, TriggerType
from headrace.operations import documents

Seconds = Annotated[float, Field(gt=0, le=1e9)]
Count = Annotated[int, Field(ge=1, le=2**31 - 1), given.WHOLE]
Variables = Annotated[dict[str, Any], Field(examples=[{"region": "eu"}])]


class Retries(given.Body):
    """How often blocks are tried, by the names of the Mage format."""

    retries: Annotated[int, Field(ge=0, le=2**31 - 1), given.WHOLE] = Field(default_factory=given.unsaid)
    delay: Annotated[float, Field(ge=0, le=1e9, description="Seconds.")] = Field(default_factory=given.unsaid)
    max_delay: Annotated[float, Field(ge=0, le=1e9, description="Seconds.")] = Field(default_factory=given.unsaid)
    exponential_backoff: bool = Field(default_factory=given.unsaid)


class Settings(given.Body):
    """What holds for the runs of a trigger; what is left out is as it was, or as it is by default."""

    skip_if_previous_running: bool = Field(default_factory=given.unsaid)
    allow_blocks_to_fail: bool = Field(default_factory=given.unsaid)
    create_initial_pipeline_run: bool = Field(default_factory=given.unsaid)
    landing_time_enabled: bool = Field(default_factory=given.unsaid)
    pipeline_run_limit: Count | None = Field(default_factory=given.unsaid)
    timeout: Seconds | None = Field(default_factory=given.unsaid)
    timeout_status: Literal["failed", "cancelled"] = Field(default_factory=given.unsaid)
    retry_config: Retries = Field(default_factory=given.unsaid)
    catch_up: Annotated[CatchUp, Strict(False)] = Field(default_factory=given.unsaid)
    extra: dict[str, Any] = Field(default_factory=given.unsaid, description="Other keys, kept and not used.")

    def over(self, was: TriggerSettings) -> TriggerSettings:
        return replace(was, **said(self))


class NewRule(given.Body):
    """What must happen."""

    kind: Annotated[RuleKind, Strict(False)]
    subject: given.Text = Field("", max_length=1000, examples=["s3://orders/*.csv"])
    pattern: dict[str, Any] = Field({}, examples=[{"kind": ["order"]}])
    statuses: list[Literal["completed", "failed", "cancelled"]] = Field(["completed"], max_length=3)
    every: float = Field(10.0, ge=1, le=31_536_000, description="Seconds between two looks at files.")
    settle: float = Field(5.0, ge=0, le=31_536_000, description="Seconds that a file must have stayed as it is.")

    @property
    def rule(self) -> Rule:
        return Rule(
            kind=self.kind,
            subject=self.subject,
            pattern=self.pattern,
            statuses=tuple(self.statuses),
            every=self.every,
            settle=self.settle,
        )


class Fields(given.Body):
    """The fields of a definition; each that is left out stays as it was, or as it is by default."""

    interval: given.Text | None = Field(
        default_factory=given.unsaid, description="@once, @hourly, …, or cron.", examples=["0 6 * * *"]
    )
    zone: given.Text = Field(default_factory=given.unsaid, description="An IANA zone.", examples=["Europe/Zurich"])
    start_time: given.Moment | None = Field(default_factory=given.unsaid, description="Nothing fires before it.")
    description: given.Text = Field(default_factory=given.unsaid)
    variables: Variables = Field(default_factory=given.unsaid)
    sla: Count | None = Field(default_factory=given.unsaid, description="Seconds from a run's execution date.")
    settings: Settings = Field(default_factory=given.unsaid)
    rules: list[NewRule] = Field(default_factory=given.unsaid, max_length=1000)
    tags: list[given.Text] = Field(default_factory=given.unsaid, max_length=1000)

    def over(self, was: Definition) -> Definition:
        """That definition with what is said here in place of what was."""
        changed = {name: value for name, value in said(self).items() if hasattr(was, name)}
        if "variables" in changed:
            changed["variables"] = documents.unmasked(self.variables, was.variables)
        if "type" in changed:
            changed["type"] = TriggerType(changed["type"])
        if "settings" in changed:
            changed["settings"] = self.settings.over(was.settings)
        if "rules" in changed:
            changed["rules"] = tuple(each.rule for each in self.rules)
        if "tags" in changed:
            changed["tags"] = tuple(self.tags)
        return replace(was, **_of_kind(changed))


Kind = Literal["time", "api", "event"]


class NewDefinition(Fields):
    name: given.Name = Field(examples=["every morning"])
    type: Kind = Field(examples=["time"])

    @property
    def definition(self) -> Definition:
        return self.over(Definition(name=self.name, type=TriggerType(self.type)))


class Changes(Fields):
    """Only what changes. `variables`, `rules` and `tags` are replaced as a whole, `settings` one by one.

    A variable that is given as it is shown, masked, stays as it was.
    """

    name: given.Name = Field(default_factory=given.unsaid)
    type: Kind = Field(default_factory=given.unsaid)


def said(body: given.Body) -> dict[str, Any]:
    """The fields that were given; what is within them as plain values."""
    return body.model_dump(exclude_unset=True)


def _of_kind(changed: Mapping[str, Any]) -> dict[str, Any]:
    """What another type does not know is no more."""
    kind = changed.get("type")
    gone = {"interval": None} if kind not in (None, TriggerType.TIME) else {}
    gone |= {"rules": ()} if kind not in (None, TriggerType.EVENT) else {}
    return {**gone, **changed}
