"""A folder on disk in the Mage layout → Pipeline values, snapshots of its files, versions of its pipelines.

What is offered is imported when it is asked for: a worker that parses a query or a text of YAML needs one file of this
room, and all of it takes longer to import than most blocks take.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from headrace.project.code import read_code
    from headrace.project.entries import Written
    from headrace.project.environment import masks_of, secrets_of
    from headrace.project.folder import Project, dotenv, dotenv_warnings, open, pipeline_names
    from headrace.project.layout import lay_out, lay_out_texts, pin
    from headrace.project.pipeline_files import Draft, draft
    from headrace.project.pipelines import read, read_all
    from headrace.project.runnable import refuse_unsupported
    from headrace.project.snapshots import File, Snapshot, snapshot, version_hash
    from headrace.project.starter import create
    from headrace.project.trigger_files import remove_trigger, write_trigger
    from headrace.project.triggers import Fault, TriggersFile, applies, read_triggers
    from headrace.project.triggers import mark as mark_of_triggers

__all__ = [
    "Draft",
    "Fault",
    "File",
    "Project",
    "Snapshot",
    "TriggersFile",
    "Written",
    "applies",
    "create",
    "dotenv",
    "dotenv_warnings",
    "draft",
    "lay_out",
    "lay_out_texts",
    "mark_of_triggers",
    "masks_of",
    "open",
    "pin",
    "pipeline_names",
    "read",
    "read_all",
    "read_code",
    "read_triggers",
    "refuse_unsupported",
    "remove_trigger",
    "secrets_of",
    "snapshot",
    "version_hash",
    "write_trigger",
]

_FILES = {  # and what each of them offers
    "code": ("read_code",),
    "entries": ("Written",),
    "environment": ("masks_of", "secrets_of"),
    "folder": ("Project", "dotenv", "dotenv_warnings", "open", "pipeline_names"),
    "layout": ("lay_out", "lay_out_texts", "pin"),
    "pipeline_files": ("Draft", "draft"),
    "pipelines": ("read", "read_all"),
    "runnable": ("refuse_unsupported",),
    "snapshots": ("File", "Snapshot", "snapshot", "version_hash"),
    "starter": ("create",),
    "trigger_files": ("remove_trigger", "write_trigger"),
    "triggers": ("Fault", "TriggersFile", "applies", "read_triggers"),
}
_OFFERED = {name: (file, name) for file, names in _FILES.items() for name in names}
_OFFERED["mark_of_triggers"] = ("triggers", "mark")


def __getattr__(name: str) -> Any:
    if name not in _OFFERED:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    file, own = _OFFERED[name]
    found = getattr(importlib.import_module(f"{__name__}.{file}"), own)
    globals()[name] = found  # from now on it is asked for no more
    return found
