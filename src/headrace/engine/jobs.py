"""Jobs: everything that moving a run takes, read from the store and the project before the loop has it."""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import TypedDict

from headrace import project
from headrace.engine.active import Job
from headrace.engine.secrets import Secrets
from headrace.model import dataset
from headrace.model.pipeline import Block
from headrace.model.run import FINAL_BLOCK, Attempt, BlockRun, BlockStatus, Run
from headrace.settings import Settings
from headrace.store import Store
from headrace.store.datasets import Pinned
from headrace.store.limits import LimitRows
from headrace.worker import wire

OWN = (
    "HEADRACE_",
    "DEFAULT_OWNER_",
)  # how the names begin of headrace's own settings and credentials; blocks never see them


class Jobs:
    """Reads the jobs of one home. What many runs share, the pipelines of their versions, is read once.

    `expect` is called with each that will write datasets.
    """

    def __init__(self, store: Store, settings: Settings, secrets: Secrets, expect: Callable[[], None]) -> None:
        self._store = store
        self._settings = settings
        self._secrets = secrets
        self._expect = expect
        self._version = lru_cache(maxsize=256)(store.projects.version)
        self._snapshot = lru_cache(maxsize=256)(store.projects.snapshot_hash)

    def read(self, run_id: int) -> Job:
        """What the engine needs of that run. Raises what makes it impossible: StoreUnavailable for the moment, else for good."""
        brief = self._store.runs.brief(run_id)
        run, of, found = brief.run, brief.project, brief.limits
        pipeline = self._version(run.version_id)
        self._secrets.see(of.id, brief.secrets)
        rows, kept, open_ones = _rows(self._store, brief.blocks)
        blocks = [block for block in pipeline.blocks if block.uuid in rows]
        if any(block.writes for block in blocks):
            self._expect()
        return Job(
            run=run,
            pipeline=pipeline,
            rows=rows,
            kept=kept,
            **open_ones,
            reads=self._pinned(run, blocks),
            workplace=workplace(self._settings, of.path, self._snapshot(run.snapshot_id)),
            home=self._settings.home,
            project=of.id,
            secrets=partial(self._secrets.masks, of.id),
            masks=project.secrets_of({name: text for name, text in run.variables.items() if isinstance(text, str)}),
            limits=_limits(found, rows),
            limited=bool(found.pipeline or found.trigger),
        )

    def _pinned(self, run: Run, blocks: Sequence[Block]) -> dict[str, Pinned]:
        """What the blocks of the run read and none of them writes: from now on at the versions that are current now."""
        read = {dataset.key(name) for block in blocks for name in block.reads}
        read -= {dataset.key(name) for block in blocks for name in block.writes}
        return self._store.datasets.pin(run.id, read) if read else {}


def _limits(found: LimitRows, blocks: Iterable[str]) -> dict[str, tuple[int, ...]]:
    """The limits over more than one run that each of the blocks comes under."""
    of_blocks = {block: (found.project, found.blocks.get(block)) for block in blocks}
    return {block: tuple(each.id for each in over if each) for block, over in of_blocks.items() if any(over)}


def reread(store: Store, job: Job) -> Job:
    """The job with its run and its rows as they are now."""
    rows, kept, open_ones = _rows(store, store.runs.block_runs(job.run.id))
    return replace(job, run=store.runs.get(job.run.id), rows=rows, kept=kept, **open_ones)


class Open(TypedDict):
    """The attempts of a run that are not final, by block."""

    begun: Mapping[str, Attempt]
    committing: Mapping[str, Attempt]


def _rows(store: Store, blocks: Iterable[BlockRun]) -> tuple[dict[str, BlockRun], dict[str, Attempt], Open]:
    """The run's block runs, the attempts whose outputs stand for the completed ones, and those that are open."""
    rows = {each.block: each for each in blocks}
    return rows, _kept(store, rows), _open(store, rows)


def _kept(store: Store, rows: Mapping[str, BlockRun]) -> dict[str, Attempt]:
    sources = {block: row.reused_from or row.id for block, row in rows.items() if row.status is BlockStatus.COMPLETED}
    found = store.runs.completed_attempts(sources.values()) if sources else {}
    return {block: found[source] for block, source in sources.items() if source in found}


def _open(store: Store, rows: Mapping[str, BlockRun]) -> Open:
    """Those that an executor has, running or waiting there, and those that commit; without any tries there are none."""
    tried = {row.id: block for block, row in rows.items() if row.status not in FINAL_BLOCK and row.attempt}
    latest = {tried[each]: tries[-1] for each, tries in store.runs.attempts(tried).items()} if tried else {}
    found: dict[bool, dict[str, Attempt]] = {True: {}, False: {}}
    for block, attempt in latest.items():
        if attempt.status not in FINAL_BLOCK:
            found[attempt.status is BlockStatus.COMMITTING][block] = attempt
    return {"begun": found[False], "committing": found[True]}


def workplace(settings: Settings, folder: Path, snapshot: str) -> wire.Workplace:
    """Where and with what environment the blocks of a project run, and what of it is masked in their logs."""
    own = _without_own(project.dotenv(project.open(folder, os.environ)))
    inherited = _without_own(os.environ)
    if settings.environment is not None:
        inherited = {name: value for name, value in inherited.items() if name in settings.environment}
    environment = {**own, **inherited, "MAGE_REPO_PATH": str(folder), "MAGE_RUNTIME__REPO_PATH": str(folder)}
    importable = [environment["PYTHONPATH"]] if environment.get("PYTHONPATH") else []
    environment["PYTHONPATH"] = os.pathsep.join([*importable, str(folder.parent)])  # for programs that blocks start
    return wire.Workplace(
        project=folder.name,
        snapshot=str(settings.home / "versions" / snapshot / folder.name),
        live=str(folder),
        cwd=str(folder.parent if settings.block_cwd == "parent" else folder),
        environment=environment,
        masks=project.secrets_of(environment),
    )


def _without_own(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(OWN)}
