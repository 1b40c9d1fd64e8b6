"""A run is handed to the engine: claimed, with everything read that the engine needs to move it."""

import os
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path

from headrace import errors, outputs, project
from headrace.app import App
from headrace.engine.active import Job
from headrace.model.pipeline import Pipeline
from headrace.model.run import FINAL_BLOCK, Attempt, BlockRun, BlockStatus, Run
from headrace.settings import Settings
from headrace.worker import wire

OWN = "HEADRACE_"  # names of headrace's own settings and credentials; blocks never see them


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that the engine has: its block runs as they were handed over, and the future that gets the final run."""

    run: Run
    pipeline: Pipeline
    blocks: Mapping[str, BlockRun]
    done: "Future[Run]"


def hand_over(app: App, run: Run, *, reopen: frozenset[str] = frozenset(), anew: bool = False) -> Begun:
    """Claims the run for this app's engine, which moves it from now on.

    `reopen` are the final blocks that are to run again; a run taken up `anew` goes on whatever was asked before.
    RunNotResumable when another engine claimed it first.
    """
    claimed = app.store.runs.claim(run, app.owner, anew=anew)
    if claimed is None:
        raise errors.RunNotResumable(run=run.id, why="another process has just taken it")
    job = _job(app, claimed, reopen)
    return Begun(claimed, job.pipeline, job.rows, app.loop.take(job))


def readable(app: App, block_run_id: int) -> bool:
    """Whether every output of that completed block run is where its row says."""
    kept = app.store.runs.completed_attempts([block_run_id]).get(block_run_id)
    return kept is not None and all(outputs.there(each, app.settings.home) for each in kept.outputs)


def _job(app: App, run: Run, reopen: frozenset[str]) -> Job:
    pipeline = app.store.projects.version(run.version_id)
    row, _ = app.store.projects.names(run.pipeline_id)
    snapshot = app.store.projects.snapshot_hash(run.snapshot_id)
    rows = {each.block: each for each in app.store.runs.block_runs(run.id)}
    return Job(
        run=run,
        pipeline=pipeline,
        rows=rows,
        kept=_kept(app, rows),
        begun=_begun(app, rows),
        reopen=reopen,
        workplace=workplace(app.settings, row.path, snapshot),
        home=app.settings.home,
        masks=project.secrets_of({name: value for name, value in run.variables.items() if isinstance(value, str)}),
    )


def _kept(app: App, rows: dict[str, BlockRun]) -> dict[str, Attempt]:
    sources = {block: row.reused_from or row.id for block, row in rows.items() if row.status is BlockStatus.COMPLETED}
    found = app.store.runs.completed_attempts(sources.values())
    return {block: found[source] for block, source in sources.items() if source in found}


def _begun(app: App, rows: dict[str, BlockRun]) -> dict[str, Attempt]:
    """The attempts that the executor of an earlier engine had, running or waiting there."""
    open_rows = {row.id: block for block, row in rows.items() if row.status not in FINAL_BLOCK}
    latest = {open_rows[each]: tries[-1] for each, tries in app.store.runs.attempts(open_rows).items()}
    return {block: attempt for block, attempt in latest.items() if attempt.status not in FINAL_BLOCK}


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
