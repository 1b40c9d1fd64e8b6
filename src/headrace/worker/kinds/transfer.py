"""Blocks that move a table: their file says from where whereto, and they have no code."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from headrace import errors, outputs
from headrace.model import transfer
from headrace.model.loads import Bookmark
from headrace.model.output import Output
from headrace.model.transfer import Transfer
from headrace.project import transfers
from headrace.worker import running, secret, wire
from headrace.worker.transfer.scope import Scope

if TYPE_CHECKING:
    from headrace.worker.transfer.moving import Moved


def run(task: wire.Task) -> tuple[Output, ...]:
    """Moves the table; what is kept of it. LoadFailed, NoConnection, BadConnection, and what `_read` raises."""
    job = _read(task)
    _refuse_undeclared(job, task)
    moved = _move(job, _scope(job, task))
    print(_said(job, moved))
    if moved.outputs:
        return moved.outputs
    return outputs.save(_told(job, moved), Path(task.place), Path(task.home))[1]


def _refuse_undeclared(job: Transfer, task: wire.Task) -> None:
    """A dataset gets the rows of a block that is known to write it, and of no other."""
    if job.writes != task.writes:
        raise errors.LoadFailed(what=f"The table {job.source.name}", why=f"the block does not write {job.target.name}")


def _move(job: Transfer, scope: Scope) -> "Moved":
    """Raises what `moving.move` does, and DatasetsMissing without the libraries that this takes."""
    try:
        from headrace.worker.transfer import moving
    except ImportError as missing:
        raise errors.DatasetsMissing(library=missing.name) from None
    return moving.move(job, scope)


def _read(task: wire.Task) -> Transfer:
    """What the block's file says. Unsupported, BadBlockFile, BadField."""
    if task.configuration.get("job_type") != transfer.JOB_TYPE:
        raise errors.Unsupported(file=task.file, what=f"a block in {task.language}")
    text = (Path(task.workplace.snapshot) / task.file).read_text("utf-8")
    return transfers.read(text, task.file, task.block)


def _scope(job: Transfer, task: wire.Task) -> Scope:
    return Scope(
        attempt=task.attempt,
        job=str(task.configuration.get("job_id") or task.block),
        state=job.state,
        place=Path(task.place),
        home=Path(task.home),
        folder=Path(task.workplace.cwd),
        memory=task.memory_limit or job.memory_mb * 2**20,
        secret=secret.read,
        bookmark=_bookmark,
    )


def _bookmark() -> Bookmark | None:
    """How far the block has got, as the engine keeps it. CannotAsk where no block runs."""
    if running.ask is None:
        raise errors.CannotAsk
    answer = running.ask(wire.ReadBookmark())
    if isinstance(answer, wire.Declined):
        raise errors.LoadFailed(what="The table", why=answer.why.rstrip("."))
    value = cast("wire.Marked", answer).value
    return None if value is None else Bookmark(**value)


def _told(job: Transfer, moved: "Moved") -> dict[str, Any]:
    return {"table": job.target.name, "rows": moved.rows, "mode": moved.mode.value, "bookmark": moved.bookmark}


def _said(job: Transfer, moved: "Moved") -> str:
    """For the log."""
    return f"{job.source.name} → {job.target.plugin} {job.target.name}: {moved.rows} rows ({moved.mode})"
