"""Backfills: listed, looked at, written down, changed, started and cancelled, deleted."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, cast

from headrace import clock, errors
from headrace.api import auditing
from headrace.api.mage import fields
from headrace.api.mage.asked import Asked
from headrace.api.mage.backfills import shapes
from headrace.api.mage.backfills.shapes import MageBackfill
from headrace.api.mage.envelopes import Many, page
from headrace.api.mage.resources import Resource
from headrace.model.trigger import Backfill, Which
from headrace.operations import backfills, documents, trigger_fields
from headrace.operations.backfills import Asked as Wanted
from headrace.store.backfills import PlacedBackfill

resource = Resource("backfill", "backfills")
RESOURCES = (resource,)

FIELDS = ("end_datetime", "interval_type", "interval_units", "name", "settings", "start_datetime", "variables")


@resource.list("/backfills", query=("include_run_count", "pipeline_uuid"), shape=MageBackfill)
def list_all(asked: Asked) -> Many:
    """Backfills"""
    return _listed(asked, asked.query.text("pipeline_uuid"))


@resource.list("/pipelines/{pipeline}/backfills", query=("include_run_count", "pipeline_uuid"), shape=MageBackfill)
def list_of_pipeline(asked: Asked) -> Many:
    """Backfills of a pipeline"""
    return _listed(asked, asked.path("pipeline"))


@resource.create("/pipelines/{pipeline}/backfills", writes=("name",), shape=MageBackfill)
def create(asked: Asked) -> MageBackfill:
    """Write a backfill down"""
    today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
    wanted = _wanted(asked, Wanted(name="", start=today, end=today, which=Which.ALL))
    made = backfills.create(asked.home, asked.project.path, asked.path("pipeline"), wanted)
    auditing.touch(asked.request, "backfills", made.id)
    return shapes.backfill(made, asked.path("pipeline"), {})


@resource.detail("/backfills/{backfill_id}", query=("include_preview_runs", "include_run_count"), shape=MageBackfill)
def show(asked: Asked) -> MageBackfill:
    """A backfill

    With `include_preview_runs` one date more than `_limit` is shown, as Mage does.
    """
    found = _found(asked)
    told = _told(asked, found)
    if not asked.query.flag("include_preview_runs"):
        return told
    offset = asked.query.offset
    return shapes.previewed(told, backfills.dates(found)[offset : offset + asked.query.limit() + 1])


@resource.update("/backfills/{backfill_id}", writes=("block_uuid", "status", *FIELDS), shape=MageBackfill)
def update(asked: Asked) -> MageBackfill:
    """Change, start or cancel a backfill"""
    return _changed(asked)


@resource.update(
    "/pipelines/{pipeline}/backfills/{backfill_id}", writes=("block_uuid", "status", *FIELDS), shape=MageBackfill
)
def update_of_pipeline(asked: Asked) -> MageBackfill:
    """Change, start or cancel a backfill of a pipeline"""
    return _changed(asked)


@resource.delete("/backfills/{backfill_id}", shape=MageBackfill)
def delete(asked: Asked) -> MageBackfill:
    """Delete a backfill"""
    found = _found(asked)
    told = shapes.backfill(found, backfills.place(asked.home, found)[1], backfills.counts(asked.home, found))
    backfills.delete(asked.home, found)
    return told


def _changed(asked: Asked) -> MageBackfill:
    """With a status nothing but that is looked at; any other than these two is passed over."""
    found = _found(asked)
    given, stands = asked.given.get("status"), shapes.status(found, backfills.counts(asked.home, found))
    if given == "initial" and stands != "initial":
        backfills.start(asked.home, found)
    elif given == "cancelled" and stands != "cancelled":
        backfills.cancel(asked.home, found)
    elif given is None and asked.given.keys() & {*FIELDS, "block_uuid"}:
        backfills.change(asked.home, found, _wanted(asked, _as_wanted(found)))
    return _told(asked, _found(asked))


def _listed(asked: Asked, pipeline: str | None) -> Many:
    limit, offset = asked.query.limit(), asked.query.offset
    found, count = backfills.page(asked.home, asked.project.id, pipeline, limit, offset)
    return page([_row(asked, each) for each in found], count, more=offset + len(found) < count)


def _row(asked: Asked, placed: PlacedBackfill) -> MageBackfill:
    told = shapes.backfill(placed.backfill, placed.pipeline, placed.counts)
    if not asked.query.flag("include_run_count"):
        return told
    return shapes.counted(told, backfills.dates(placed.backfill), placed.counts)


def _told(asked: Asked, found: Backfill) -> MageBackfill:
    counts = backfills.counts(asked.home, found)
    told = shapes.backfill(found, backfills.place(asked.home, found)[1], counts)
    if asked.query.flag("include_run_count") or asked.query.flag("include_preview_runs"):
        return shapes.counted(told, backfills.dates(found), counts)
    return told


def _found(asked: Asked) -> Backfill:
    return backfills.get(asked.home, asked.id("backfill_id"))


def _as_wanted(found: Backfill) -> Wanted:
    return Wanted(
        name=found.name,
        start=found.start_time,
        end=found.end_time,
        interval_type=found.interval_type,
        interval_units=found.interval_units,
        which=Which.ALL,
        variables=found.variables,
        settings=found.settings,
    )


def _wanted(asked: Asked, was: Wanted) -> Wanted:
    """What is given of a backfill, and else what was; Mage's makes a run for each date, whether it has one or not."""
    if asked.given.get("block_uuid") is not None:
        expected = "nothing: no block is asked for the dates"
        raise errors.BadField(field="block_uuid", given=asked.given["block_uuid"], expected=expected)
    start, end = fields.moment(asked, "start_datetime"), fields.moment(asked, "end_datetime")
    settings = asked.given.get("settings")
    return Wanted(
        name=fields.text_if_any(asked, "name") or was.name or _name(start or was.start, end or was.end),
        start=start or was.start,
        end=end or max(was.end, start or was.start),
        interval_type=fields.text_if_any(asked, "interval_type") or was.interval_type,
        interval_units=_units(asked.given.get("interval_units"), was.interval_units),
        which=Which.ALL,
        variables=_variables(asked.given.get("variables"), was.variables),
        settings=was.settings if settings is None else trigger_fields.settings(settings),
    )


def _name(start: datetime, end: datetime) -> str:
    return f"{start:%Y-%m-%d} to {end:%Y-%m-%d}"


def _units(given: Any, was: int) -> int:
    """A number, or one as text."""
    if given is None:
        return was
    text = str(given)
    if isinstance(given, bool) or not (text.isascii() and text.isdigit() and len(text) < 11):
        raise errors.BadField(field="interval_units", given=given, expected="a whole number, 1 or more")
    return int(text)


def _variables(given: Any, was: Mapping[str, Any]) -> Mapping[str, Any]:
    if given is None:
        return was
    if not isinstance(given, dict):
        raise errors.BadField(field="variables", given=given, expected="an object")
    return documents.unmasked(cast("dict[str, Any]", given), was)
