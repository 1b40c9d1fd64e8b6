"""Applying: a pipeline is to be as its definition says, and is made or changed if it is not."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from headrace.app import App
from headrace.operations import authoring, catalogue
from headrace.operations.authoring import Changes, NewPipeline, Plan
from headrace.project import authored, drafts


class Deed(StrEnum):
    CREATED = "created"
    CHANGED = "changed"
    UNCHANGED = "unchanged"


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a pipeline, or would become of it; `changes` say in words what of it is another than before.

    `pipeline` is the name of its folder, `title` what it is called; `version` is the hash of the version that it has,
    None where it is only told what would become of it.
    """

    pipeline: str
    title: str
    uid: str | None
    deed: Deed
    changes: tuple[str, ...]
    version: str | None


def apply(app: App, new: NewPipeline, *, dry: bool = False) -> Applied:
    """With `dry` nothing is written. Raises what `authoring.create` and `authoring.change` do."""
    with authored.alone(app.settings.home):
        plan = _planned(app, new)
        deed, changes = _deed(plan), tuple(_changes(plan))
        told = Applied(plan.name, new.name, None if dry and plan.is_new else plan.uid, deed, changes, None)
        if dry:
            return told
        return replace(told, version=authoring.carry_out(app, plan).version.row.hash)


def _planned(app: App, new: NewPipeline) -> Plan:
    """Of the pipeline that is called so, or has such a folder; one that was deleted is given its name and uid again."""
    name = authoring.titled(app, new.name) or drafts.name_of(new.name.replace("/", "_"))
    place = authored.place(app.settings.home)
    known = next((row for row in app.store.pipelines.all() if (row.project.path, row.name) == (place, name)), None)
    if known is None or not catalogue.is_written(known):
        return authoring.planned(app, replace(new, uid=known.uid if known else None))
    changes = Changes(description=new.description, tags=new.tags, blocks=new.blocks)
    return authoring.planned_change(app, known.id, changes)


def _deed(plan: Plan) -> Deed:
    if plan.is_new:
        return Deed.CREATED
    return Deed.UNCHANGED if plan.before == plan.after and not plan.edited else Deed.CHANGED


def _changes(plan: Plan) -> Iterator[str]:
    if plan.before is None:
        return
    before, after = plan.before, plan.after
    yield from (field for field in ("description", "tags") if before.get(field) != after.get(field))
    old, now = _steps(before), _steps(after)
    yield from (f"step {name} added" for name in now if name not in old)
    yield from (f"step {name} changed" for name in now if name in old and _differs(plan, old[name], now[name]))
    yield from (f"step {name} removed" for name in old if name not in now)
    if list(old) != list(now) and set(old) == set(now):
        yield "the order of steps"


def _steps(whole: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    return {str(entry.get("uuid")): entry for kind, entry in drafts.entries(whole) if kind == "blocks"}


def _differs(plan: Plan, old: Mapping[str, Any], now: Mapping[str, Any]) -> bool:
    return _said(now) != _said(old) or authored.code_of(now) in plan.edited


def _said(entry: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what follows from others."""
    return {name: value for name, value in entry.items() if name != "downstream_blocks"}
