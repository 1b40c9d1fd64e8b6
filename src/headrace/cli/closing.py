"""What `headrace run` says at the end: how each block went, what failed, where things lie, what to type next."""

from collections.abc import Iterator

import click

from headrace import clock
from headrace.cli import blocks, marks, out, paths, quantities, variables
from headrace.cli.places import Place
from headrace.cli.tables import Column, render
from headrace.model.run import BlockStatus, RunStatus
from headrace.operations import runs
from headrace.operations.runs import Shown


def say(place: Place, shown: Shown) -> None:
    out.say(blocks.table(shown, out.width()))
    for failure in blocks.failures(place, shown):
        out.say(f"\n{failure}")
    out.say(f"\n{verdict(shown)}")
    if hints := [(click.style(word, dim=True), what) for word, what in _next(shown)]:
        out.say(f"\n{render([Column(''), Column('')], hints)}")


def verdict(shown: Shown) -> str:
    """Run 12 of nyc_2013 completed in 3.21 s."""
    run = shown.run
    status = marks.styled(run.status.value, run.status.value, bold=True)
    took = quantities.duration(clock.between(run.started_at or run.created_at, run.ended_at))
    after = "in" if run.status is RunStatus.COMPLETED else "after"
    return f"Run {run.id} of {shown.pipeline.name} {status} {after} {took}."


def resume(run_id: int) -> str:
    return paths.command("run", "--resume", run_id)


def _next(shown: Shown) -> Iterator[tuple[str, str]]:
    if any(attempt.outputs for tries in shown.attempts.values() for attempt in tries):
        yield "outputs", paths.near(runs.outputs_folder(shown))
    if shown.run.status is RunStatus.COMPLETED:
        if block := _last(shown):
            yield "look at one", paths.command("runs", "output", shown.run.id, block)
        return
    yield "go on, with the code it began with", resume(shown.run.id)
    failed = [row.block for row in shown.blocks if row.status is BlockStatus.FAILED]
    if len(failed) == 1:
        where = (paths.near(shown.folder), shown.pipeline.name, "--from", failed[0])
        again = paths.command("run", *where, *variables.words(shown.run.variables))
        yield "run it from there, with the code as it is now", again


def _last(shown: Shown) -> str | None:
    """The block to look at first: one that nobody reads where it left something, else the last that did."""
    left = [block for block, tries in shown.attempts.items() if tries and tries[-1].outputs]
    graph = shown.pipeline.graph
    read = {upstream for row in shown.blocks for upstream in graph.get(row.block, ())}
    ends = [block for block in left if block not in read]
    return (ends or left or [None])[-1]
