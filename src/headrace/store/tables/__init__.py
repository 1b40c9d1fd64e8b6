"""The tables, and what they refuse by themselves.

Times are UTC; JSON columns hold documents that msgspec writes. Identities are in DESIGN: every public row has an
integer `id` and a `uid` (UUIDv7).
"""

from headrace.store.tables.access import audit, secrets, tokens, user_roles, users
from headrace.store.tables.beginnings import backfills, gaps, occurrences, rules, trigger_files, triggers
from headrace.store.tables.code import pipeline_tags, pipelines, projects, snapshots, tags, versions
from headrace.store.tables.lake import bookmarks, dataset_versions, dataset_writes, datasets, lineages, run_datasets
from headrace.store.tables.order import engines, keys, limits, remains, tallies
from headrace.store.tables.schema import metadata
from headrace.store.tables.work import attempts, block_runs, events, outputs, runs

__all__ = [
    "attempts",
    "audit",
    "backfills",
    "block_runs",
    "bookmarks",
    "dataset_versions",
    "dataset_writes",
    "datasets",
    "engines",
    "events",
    "gaps",
    "keys",
    "limits",
    "lineages",
    "metadata",
    "occurrences",
    "outputs",
    "pipeline_tags",
    "pipelines",
    "projects",
    "remains",
    "rules",
    "run_datasets",
    "runs",
    "secrets",
    "snapshots",
    "tags",
    "tallies",
    "tokens",
    "trigger_files",
    "triggers",
    "user_roles",
    "users",
    "versions",
]
