"""A folder on disk in the Mage layout → Pipeline values, snapshots of its files, versions of its pipelines."""

from headrace.project.environment import secrets_of
from headrace.project.folder import Project, dotenv, dotenv_warnings, open, pipeline_names
from headrace.project.layout import lay_out, pin
from headrace.project.pipelines import read, read_all
from headrace.project.runnable import refuse_unsupported
from headrace.project.snapshots import File, Snapshot, snapshot, version_hash
from headrace.project.starter import create

__all__ = [
    "File",
    "Project",
    "Snapshot",
    "create",
    "dotenv",
    "dotenv_warnings",
    "lay_out",
    "open",
    "pin",
    "pipeline_names",
    "read",
    "read_all",
    "refuse_unsupported",
    "secrets_of",
    "snapshot",
    "version_hash",
]
