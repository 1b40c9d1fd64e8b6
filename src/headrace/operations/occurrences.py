"""Events are posted, for the triggers that ask for them; and what has happened is listed."""

import json
from collections.abc import Mapping
from typing import Any

from headrace import clock, errors
from headrace.app import App
from headrace.model import payload as payloads
from headrace.model.occurrence import Occurrence
from headrace.model.rule import RuleKind


def post(app: App, payload: Mapping[str, Any], *, key: str | None = None) -> str:
    """The payload is there once this returns, and an engine begins the runs that it is to begin: its uid.

    Posted again under the same key it is the same. Raises BadPayload for what cannot be kept, KeyReused when the key
    was given to another payload.
    """
    payloads.refuse_wrong(payload)
    if key is not None:
        payloads.refuse_wrong_key(key)
    return app.store.occurrences.add(RuleKind.PAYLOAD, "", key, payload, clock.now())


def read(text: bytes) -> Mapping[str, Any]:
    """The payload that a JSON text says. BadPayload for one that says none, or is too long to be one."""
    if len(text) > payloads.LARGEST:
        raise errors.BadPayload(field="payload", given="too long", expected=f"at most {payloads.LARGEST:,} bytes")
    try:
        payload = json.loads(text, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise errors.BadPayload(field="payload", given=f"no JSON ({error})", expected="a JSON object") from None
    payloads.refuse_wrong(payload)
    return payload


def latest(app: App, limit: int, *, before: int | None = None) -> list[Occurrence]:
    """What has happened, the newest first, at most `limit`, before the one of that number."""
    return app.store.occurrences.latest(limit, before=before)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")
