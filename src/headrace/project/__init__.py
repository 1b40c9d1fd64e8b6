"""A folder on disk in the Mage layout → Pipeline values, snapshots of its files, versions of its pipelines."""

from headrace.project.code import read_code
from headrace.project.entries import Written
from headrace.project.environment import masks_of, secrets_of
from headrace.project.folder import Project, dotenv, dotenv_warnings, open, pipeline_names
from headrace.project.layout import lay_out, pin
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
