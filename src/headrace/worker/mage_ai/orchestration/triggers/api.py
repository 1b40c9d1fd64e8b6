"""Runs of other pipelines, started from code. The names are those of Mage 0.9.80."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from headrace import errors
from headrace.model.run import FINAL_RUN, RunStatus
from headrace.worker import started, wire
from headrace.worker.started import PipelineRun

TRIGGER = "API_TRIGGER_CREATED_FROM_CODE"  # the trigger of such runs, as Mage calls it


def trigger_pipeline(
    pipeline_uuid: str,
    repo_path: str | Mapping[str, Any] | None = None,
    variables: Mapping[str, Any] | None = None,
    check_status: bool = False,
    error_on_failure: bool = False,
    poll_interval: float = 60,  # noqa: ARG001 - nothing polls
    poll_timeout: float | None = None,
    schedule_name: str | None = None,
    verbose: bool = True,
    remote_blocks: Any = None,
    return_remote_blocks: bool = False,
) -> PipelineRun:
    """Starts a run of that pipeline, of this project or of the one at `repo_path`, and gives it back once it exists.

    With `check_status` it is waited for until it is final, at most `poll_timeout` seconds; nothing polls, so
    `poll_interval` makes no difference. Variables must be plain. Raises RunNotStarted with the reason, CannotPass for
    a variable that is not plain, StartedRunLate when the time is over, and with `error_on_failure` StartedRunFailed; a
    run that was cancelled is given back as it is. Remote blocks are not supported.
    """
    if remote_blocks or return_remote_blocks:
        raise errors.RunNotStarted(pipeline=pipeline_uuid, why="remote blocks are not supported.")
    if isinstance(repo_path, Mapping):  # in older versions the variables come second
        repo_path, variables = None, repo_path
    request = wire.StartRun(
        pipeline=str(pipeline_uuid),
        variables=started.plain(variables or {}),
        project=str(Path(repo_path).absolute()) if repo_path else None,
        trigger=str(schedule_name or TRIGGER),
        waits=bool(check_status),
        patience=float(poll_timeout) if poll_timeout else None,
    )
    run = started.start(request)
    if check_status:
        _check(run, request, error_on_failure)
        if verbose:
            print(f"Run {run.id} of the pipeline {pipeline_uuid} is {run.status}.")
    return run


def _check(run: PipelineRun, request: wire.StartRun, error_on_failure: bool) -> None:
    facts: dict[str, Any] = {"run": run.id, "pipeline": request.pipeline}
    if run.status not in FINAL_RUN:
        raise errors.StartedRunLate(**facts, status=run.status, seconds=request.patience or 0)
    if run.status is RunStatus.FAILED and error_on_failure:
        raise errors.StartedRunFailed(**facts, why=run.reason)
