"""Calls: a run of a trigger is asked for, by somebody who may, with what he gives it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from headrace import errors
from headrace.engine import maker
from headrace.engine.maker import Maker
from headrace.engine.registry import Registry
from headrace.model import firing
from headrace.model.trigger import Trigger
from headrace.store import Store
from headrace.store.creating import Created
from headrace.store.runs import Key

LONGEST_KEY = 255  # characters


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is asked for. Asked again with the same `key`, it is the same run."""

    variables: Mapping[str, Any] = field(default_factory=dict[str, Any])
    event_variables: Mapping[str, Any] | None = None
    execution_date: datetime | None = None  # None: now
    backfill_id: int | None = None
    key: str | None = None


class Calls:
    def __init__(self, store: Store, maker: Maker, registry: Registry) -> None:
        self._store = store
        self._maker = maker
        self._registry = registry

    def run(
        self,
        trigger: Trigger,
        call: Call,
        at: datetime,
        *,
        activates: bool,
        reason: str = "by a call",
        owner: str | None = None,
    ) -> Created:
        """A run of that trigger, or the one that stands under the key; for the engine of that name, or for any.

        A trigger that is not active is made so, where the call `activates` it and makes a run; else its run waits until
        somebody does. Raises KeyReused, BadCall for a key that is none, TriggerNotFound for one that was deleted, and the
        BadInput for which it cannot be run; nothing is changed then.
        """
        _refuse_wrong_key(call.key)
        key = Key(call.key, _request(call)) if call.key else None
        if key and (earlier := self._store.runs.keyed(key, trigger.pipeline_id, trigger.id)):
            return Created(earlier, made=False)
        definition, date = trigger.definition, call.execution_date or at
        new = maker.new_run(
            definition,
            self._maker.look(at).pin(trigger.pipeline_id),
            reason,
            trigger_id=trigger.id,
            execution_date=date,
            slot=firing.slot_of(definition, date),
            variables={**call.variables, "execution_partition": f"{trigger.id}/{at:%Y%m%dT%H%M%S_%f}"},
            event_variables=call.event_variables,
            backfill_id=call.backfill_id,
            key=key,
        )
        if activates and not trigger.active:
            self._registry.change(trigger.id, None, at, active=True)
        return self._store.runs.create(new, at, owner=owner)


def read(body: Mapping[str, Any] | None, key: str | None = None) -> Call:
    """What the body of a call asks for, by the names of the Mage format: the run's own values under `pipeline_run`,
    and event variables beside it. BadCall names the field that is not as it is to be.
    """
    if body is None:
        return Call(key=key)
    run = _mapping("pipeline_run", body.get("pipeline_run"))
    return Call(
        variables=_mapping("pipeline_run.variables", run.get("variables")),
        event_variables={name: value for name, value in body.items() if name != "pipeline_run"},
        execution_date=_date(run.get("execution_date")),
        key=key,
    )


def _refuse_wrong_key(key: str | None) -> None:
    if key is not None and not (0 < len(key) <= LONGEST_KEY and key.isprintable()):
        expected = f"1 to {LONGEST_KEY} characters that can be printed"
        raise errors.BadCall(field="key", given=f"{len(key)} characters", expected=expected)


def _mapping(field: str, given: Any) -> Mapping[str, Any]:
    if given is None:
        return {}
    if not isinstance(given, Mapping):
        raise errors.BadCall(field=field, given=type(given).__name__, expected="an object")
    return cast("Mapping[str, Any]", given)


def _date(given: Any) -> datetime | None:
    """Without an offset it is meant in UTC."""
    if given is None:
        return None
    try:
        date = datetime.fromisoformat(given)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (TypeError, ValueError, OverflowError):
        field, expected = "pipeline_run.execution_date", "a moment in ISO 8601"
        raise errors.BadCall(field=field, given=repr(given), expected=expected) from None


def _request(call: Call) -> str:
    """A hash of what is asked for: the same again under one key means the same run."""
    date = call.execution_date.isoformat() if call.execution_date else None
    whole = [dict(call.variables), call.event_variables, date, call.backfill_id]
    return hashlib.blake2b(json.dumps(whole, sort_keys=True, default=str).encode(), digest_size=16).hexdigest()
