"""`headrace backfill`: runs of a pipeline for a range of dates.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from pathlib import Path
from typing import Any

import click

from headrace.cli import home, options, parameters
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "plan": ("headrace.cli.backfill:plan", "Write down a backfill, and tell which runs it would make."),
    "start": ("headrace.cli.backfill:start", "Make the runs of a backfill."),
    "pause": ("headrace.cli.backfill:pause", "Have nothing more of a backfill begin until it is resumed."),
    "resume": ("headrace.cli.backfill:resume", "Have a backfill go on."),
    "cancel": ("headrace.cli.backfill:cancel", "End a backfill, and stop its runs."),
    "list": ("headrace.cli.backfill:list_", "List backfills, the newest first."),
    "show": ("headrace.cli.backfill:show", "Show one backfill: how far it has got, and what it misses."),
}
INTERVALS = ("second", "minute", "hour", "day", "week", "month", "year")

EPILOG = """\
\b
Examples:
  headrace backfill plan . orders --start 2026-01-01 --end 2026-01-31 --dry-run
  headrace backfill plan . orders --start 2026-01-01 --end 2026-01-31 --limit 4
  headrace backfill start 1 --plan 3e1b5a0c2d4f6071
  headrace backfill show 1
  headrace backfill cancel 1

\b
An engine (headrace engine) makes the runs; docs/guides/backfills.md has more."""

PLANNING = """\
\b
The end is among the dates if a step comes to it: --start 2026-01-01 --end 2026-01-03 is three days.
Steps are such as 1d, 6h, 15m, 2w, 1mo, 1y. Moments are in ISO 8601, without an offset in UTC.

\b
--which missing   the dates of which the pipeline has no completed run, nor one under way
        failed    the dates whose latest run failed
        all       all of them"""


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def backfill() -> None:
    """Run a pipeline for a range of dates: plan it, look at the plan, start it."""


@click.command(context_settings=options.CONTEXT, epilog=PLANNING)
@click.argument("project", type=options.FOLDER)
@click.argument("pipeline")
@click.option("--start", metavar="MOMENT", type=parameters.moment, required=True, help="The first date.")
@click.option("--end", metavar="MOMENT", type=parameters.moment, required=True, help="No date is later.")
@click.option("--every", metavar="STEP", type=parameters.step, help="From a date to the next.  [default: 1d]")
@click.option("--interval", type=click.Choice(INTERVALS), help="The same in two words: what kind,")
@click.option("--units", metavar="N", type=parameters.count, help="and how many of it.  [default: 1]")
@click.option(
    "--which",
    type=click.Choice(["missing", "failed", "all"]),
    default="missing",
    show_default=True,
    help="Which of the dates get a run.",
)
@click.option("--limit", metavar="N", type=parameters.count, help="At most so many of its runs go at once.")
@click.option("--name", metavar="NAME", type=parameters.text, help="What it is called.  [default: its dates]")
@click.option("--var", "variables", metavar="NAME=VALUE", multiple=True, help="A variable of its runs.")
@click.option("--timeout", metavar="DURATION", type=parameters.duration, help="So long after its start a run fails.")
@click.option("--allow-blocks-to-fail", is_flag=True, help="What needs no failed block goes on.")
@click.option("--dry-run", is_flag=True, help="Only tell; no backfill is written down.")
@options.written_as
@options.colour
def plan(project: Path, pipeline: str, dry_run: bool, as_json: bool, **said: Any) -> None:
    """Write down a backfill of PIPELINE of the folder PROJECT, and tell which runs it would make. None is started."""
    if said["every"] and (said["interval"] or said["units"]):
        raise click.UsageError("--every says both --interval and --units; give it alone.", click.get_current_context())
    from headrace.cli import backfill_plan, places
    from headrace.operations import backfills

    asked = backfill_plan.asked(**said)
    if not home.server():
        backfills.check(project, pipeline, asked)
    with places.opened() as place:
        if dry_run:
            backfill_plan.foresee(place, project, pipeline, asked, as_json=as_json)
        else:
            backfill_plan.create(place, project, pipeline, asked, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("number", metavar="BACKFILL", type=parameters.count)
@click.option("--plan", "planned", metavar="HASH", help="Only if its plan is still this one.")
@options.written_as
@options.colour
def start(number: int, planned: str | None, as_json: bool) -> None:
    """Make the runs of BACKFILL. One that has ended is started anew, with the dates that are left now."""
    from headrace.cli import backfill_state, places

    with places.opened() as place:
        backfill_state.start(place, number, planned, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("number", metavar="BACKFILL", type=parameters.count)
@options.written_as
@options.colour
def pause(number: int, as_json: bool) -> None:
    """Have nothing more of BACKFILL begin until it is resumed. What has begun goes on."""
    from headrace.cli import backfill_state, places

    with places.opened() as place:
        backfill_state.pause(place, number, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("number", metavar="BACKFILL", type=parameters.count)
@options.written_as
@options.colour
def resume(number: int, as_json: bool) -> None:
    """Have BACKFILL go on where it was paused."""
    from headrace.cli import backfill_state, places

    with places.opened() as place:
        backfill_state.resume(place, number, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("number", metavar="BACKFILL", type=parameters.count)
@options.written_as
@options.colour
def cancel(number: int, as_json: bool) -> None:
    """End BACKFILL: it makes no more runs, and those that are not final are stopped."""
    from headrace.cli import backfill_state, places

    with places.opened() as place:
        backfill_state.cancel(place, number, as_json=as_json)


@click.command("list", context_settings=options.CONTEXT)
@click.option("-n", "--limit", type=click.IntRange(1, 100_000), default=20, show_default=True, help="At most so many.")
@click.option("--before", metavar="BACKFILL", type=int, help="Only older ones: the next page of a list.")
@click.option("--pipeline", metavar="NAME", help="Only backfills of pipelines of this name.")
@options.written_as
@options.colour
def list_(limit: int, before: int | None, pipeline: str | None, as_json: bool) -> None:
    """List backfills, the newest first."""
    from headrace.cli import backfill_list, places

    with places.opened() as place:
        backfill_list.write(place, limit, before, pipeline, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("number", metavar="BACKFILL", type=parameters.count)
@options.written_as
@options.colour
def show(number: int, as_json: bool) -> None:
    """Show BACKFILL: how many of its runs have each status, and which dates have no completed run."""
    from headrace.cli import backfill_show, places

    with places.opened() as place:
        backfill_show.write(place, number, as_json=as_json)
