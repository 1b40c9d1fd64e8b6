"""Ends: that a run has ended is an occurrence, where some trigger listens for it. It is one for each end of a run."""

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import identity
from headrace.model.rule import RuleKind
from headrace.store.columns import Undecoded
from headrace.store.rulebook import PLACE
from headrace.store.script import Statement
from headrace.store.tables import occurrences, pipelines, projects, rules, triggers


def of(
    *, run_id: int, run_uid: str, pipeline_id: int, execution_date: Any, status: str, reason: str, at: datetime
) -> dict[str, Any]:
    """For `NOTE`: that run of that pipeline has ended so. A date that cannot be decoded is none."""
    told = {
        "run_id": run_id,
        "run_uid": run_uid,
        "status": status,
        "reason": reason,
        "execution_date": None if isinstance(execution_date, Undecoded) else execution_date,
        "ended_at": at,
    }
    mark = f"{run_uid}:{at.isoformat()}"
    found_by = {"of_pipeline": pipeline_id, "written_status": f'"{status}"'}
    return {"new_uid": identity.new(), "new_mark": mark, "new_payload": told, "new_at": at, **found_by}


def _given(name: str) -> sa.BindParameter[Any]:
    return sa.bindparam(f"new_{name}", type_=occurrences.c[name].type)


# Whether a rule has the status is found without LIKE, for whose given pattern SQLite would plan anew each time.
_STATUSES = sa.type_coerce(rules.c.statuses, sa.Text)
_LISTENING = (
    sa.select(rules.c.id)
    .select_from(rules.join(triggers))
    .where(rules.c.kind == RuleKind.PIPELINE.value, rules.c.subject == PLACE, triggers.c.active)
    .where(sa.func.replace(_STATUSES, sa.bindparam("written_status", type_=sa.Text), "") != _STATUSES)
    .correlate(pipelines, projects)
    .exists()
)
NOTE = Statement(
    sa.insert(occurrences).from_select(
        ["uid", "kind", "subject", "mark", "payload", "at"],
        sa.select(
            _given("uid"), sa.literal(RuleKind.PIPELINE.value), PLACE, _given("mark"), _given("payload"), _given("at")
        )
        .select_from(pipelines.join(projects))
        .where(pipelines.c.id == sa.bindparam("of_pipeline", type_=pipelines.c.id.type), _LISTENING),
    )
)
