"""Written: that a dataset has a new version, as it is recorded in whatever transaction records what made it.

That event triggers listen for it is looked up by the very statement that notes it, so one that nobody listens for costs
nothing more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from headrace import errors, identity
from headrace.model import dataset
from headrace.model.dataset import Operation
from headrace.model.rule import RuleKind
from headrace.store.script import Script, Statement
from headrace.store.tables import dataset_versions, datasets, occurrences, rules, triggers


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """A version as it was committed: see `model.dataset.Version`. `keys` are those of an upsert; `description` is the
    dataset's from now on, where anything is said."""

    dataset: str
    version: int
    operation: Operation
    rows: int
    bytes: int
    schema: Sequence[Mapping[str, Any]]
    profile: Mapping[str, Any] | None = None
    keys: Sequence[str] = ()
    run_id: int | None = None
    block: str | None = None
    attempt: str | None = None  # uid
    description: str = ""
    at: datetime


class Record:
    """Versions that are said to the database, within a transaction; what became of it is asked once that script is over.

    One with the rows that were there is nothing that has happened to its dataset: nobody hears of it.
    """

    def __init__(self, script: Script, those: Sequence[Written]) -> None:
        self._those = those
        self._rows = script.say_of_each(_ROW, map(_row, those))
        news = [each for each in those if each.operation is not Operation.COMPACT]
        script.say_of_each(_DATASET, map(_dataset, news))
        self._noted = script.say_of_each(_NOTE, map(_occurrence, news))

    def check(self) -> None:
        """MoveRefused unless each has its row: there is none where there is no such dataset."""
        if self._rows.count != len(self._those):
            raise errors.MoveRefused(move="written", subject=f"datasets {[each.dataset for each in self._those]}")

    def heard(self) -> bool:
        """Whether some trigger listens for one of them."""
        return self._noted.count > 0


def _given(column: sa.Column[Any]) -> sa.BindParameter[Any]:
    return sa.bindparam(f"new_{column.name}", type_=column.type)


_OF_NAME = datasets.c.name_key == sa.bindparam("of_key", type_=sa.Text)
_COLUMNS = [
    dataset_versions.c[name]
    for name in (
        "version",
        "operation",
        "run_id",
        "block",
        "attempt",
        "rows",
        "bytes",
        "schema",
        "profile",
        "created_at",
    )
]
_ROW = Statement(
    sa.insert(dataset_versions).from_select(
        ["dataset_id", *(column.name for column in _COLUMNS)],
        sa.select(datasets.c.id, *map(_given, _COLUMNS)).where(_OF_NAME),
    )
)
_DATASET = Statement(
    sa.update(datasets)
    .where(_OF_NAME)
    .values(
        updated_at=_given(datasets.c.updated_at),
        row_identifier=sa.func.coalesce(_given(datasets.c.row_identifier), datasets.c.row_identifier),
        description=sa.func.coalesce(_given(datasets.c.description), datasets.c.description),
    )
)
_LISTENING = (
    sa.select(rules.c.id)
    .select_from(rules.join(triggers))
    .where(rules.c.kind == RuleKind.DATASET.value, rules.c.subject == datasets.c.name_key, triggers.c.active)
    .correlate(datasets)
    .exists()
)
_TOLD = [occurrences.c[name] for name in ("uid", "mark", "payload", "at")]
_NOTE = Statement(
    sa.insert(occurrences).from_select(
        ["kind", "subject", *(column.name for column in _TOLD)],
        sa.select(sa.literal(RuleKind.DATASET.value), datasets.c.name_key, *map(_given, _TOLD)).where(
            _OF_NAME, _LISTENING
        ),
    )
)


def _row(written: Written) -> dict[str, Any]:
    given = {f"new_{column.name}": getattr(written, column.name, None) for column in _COLUMNS}
    return given | {"new_schema": list(written.schema), "new_created_at": written.at, "of_key": _key(written)}


def _dataset(written: Written) -> dict[str, Any]:
    told = {"new_row_identifier": ", ".join(written.keys) or None, "new_description": written.description or None}
    return {**told, "new_updated_at": written.at, "of_key": _key(written)}


def _occurrence(written: Written) -> dict[str, Any]:
    """What the runs are told that it begins."""
    told = {
        "dataset": written.dataset,
        "version": written.version,
        "operation": written.operation,
        "rows": written.rows,
        "run_id": written.run_id,
        "block": written.block,
        "written_at": written.at,
    }
    key = _key(written)
    mark = f"{key}:{written.version}"
    return {"new_uid": identity.new(), "new_mark": mark, "new_payload": told, "new_at": written.at, "of_key": key}


def _key(written: Written) -> str:
    return dataset.key(written.dataset)
