"""`headrace triggers`: what begins runs by itself, and what others may begin them by.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from headrace.cli import home, options, parameters
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "list": ("headrace.cli.triggers:list_", "List triggers, with when they fire next."),
    "show": ("headrace.cli.triggers:show", "Show one trigger: its definition, its next fire times, its gaps."),
    "create": ("headrace.cli.triggers:create", "Make a trigger of a pipeline."),
    "edit": ("headrace.cli.triggers:edit", "Define a trigger anew."),
    "pause": ("headrace.cli.triggers:pause", "Have a trigger begin no runs until it is resumed."),
    "resume": ("headrace.cli.triggers:resume", "Have a trigger begin runs again."),
    "delete": ("headrace.cli.triggers:delete", "Delete a trigger; the runs it has begun stay."),
    "rotate": ("headrace.cli.triggers:rotate", "Give a trigger a new token."),
    "next": ("headrace.cli.triggers:next_", "Tell when a trigger, or a cron expression, fires."),
    "run": ("headrace.cli.triggers:run", "Begin a run of a trigger by hand."),
    "diff": ("headrace.cli.triggers:diff", "Tell what taking over the triggers.yaml files would do."),
}
PERIODS = ("@hourly", "@daily", "@weekly", "@monthly")  # those of model/schedule, for a help that is there at once

EPILOG = """\
\b
Examples:
  headrace triggers create . orders nightly --cron "30 2 * * *" --zone Europe/Berlin
  headrace triggers create . orders "by call" --api --var region=eu
  headrace triggers next nightly
  headrace triggers edit nightly --cron "0 4 * * *"
  headrace triggers run nightly --date 2026-01-31
  headrace triggers pause orders/nightly

\b
A trigger is named by its number, by its name, or as PIPELINE/NAME.
An engine (headrace engine) fires triggers; docs/guides/triggers.md has more."""

DEFINING = """\
\b
Durations are seconds, or such as 15m, 1h30m, 2d. Moments are in ISO 8601, without an offset in UTC.
Values of --var that are JSON are taken as that, any other as text."""

EDITING = f"""\
{DEFINING}
`none` for --start, --sla, --timeout or --limit takes back what was said before. Rules (--on-…) and
tags that are given take the place of all there were."""

Command = TypeVar("Command", bound=Callable[..., Any])


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def triggers() -> None:
    """Triggers begin runs of a pipeline: by time, when they are called, or when something has happened."""


def named(command: Command) -> Command:
    return click.argument("named", metavar="TRIGGER")(command)


def defining(command: Command) -> Command:
    """The options that say what a trigger is."""
    for option in reversed(_DEFINING):
        command = option(command)
    return command


_DEFINING = (
    click.option("--every", type=click.Choice(PERIODS), help="It fires where each of these begins."),
    click.option("--cron", metavar="CRON", help="It fires as cron says: five fields, or six with the seconds last."),
    click.option("--once", is_flag=True, help="It fires once."),
    click.option("--always-on", is_flag=True, help="It fires whenever its last run has ended."),
    click.option("--api", is_flag=True, help="Whoever knows its token may begin runs."),
    click.option(
        "--on-payload",
        metavar="PATTERN",
        multiple=True,
        type=parameters.json_object,
        help="A posted payload that matches this JSON object begins a run.",
    ),
    click.option(
        "--on-pipeline",
        metavar="PIPELINE",
        multiple=True,
        type=parameters.text,
        help="A completed run of that pipeline begins one; PROJECT/PIPELINE for one of another project.",
    ),
    click.option(
        "--on-file",
        metavar="URL",
        multiple=True,
        type=parameters.text,
        help="A file that appears there begins a run; it may have wildcards.",
    ),
    click.option(
        "--on-dataset",
        metavar="DATASET",
        multiple=True,
        type=parameters.text,
        help="A new version of that dataset begins a run.",
    ),
    click.option("--zone", metavar="ZONE", help="The IANA zone in which its times are meant.  [default: UTC]"),
    click.option(
        "--start", metavar="MOMENT", type=parameters.or_none(parameters.moment), help="Nothing fires before it."
    ),
    click.option(
        "--var", "variables", metavar="NAME=VALUE", multiple=True, help="A variable of its runs; may be repeated."
    ),
    click.option(
        "--sla",
        metavar="DURATION",
        type=parameters.or_none(parameters.whole_duration),
        help="Within so long of its execution date a run is to have ended.",
    ),
    click.option(
        "--timeout",
        metavar="DURATION",
        type=parameters.or_none(parameters.duration),
        help="So long after its start a run is ended.",
    ),
    click.option("--timeout-status", type=click.Choice(["failed", "cancelled"]), help="As what it ends then."),
    click.option(
        "--limit",
        metavar="N",
        type=parameters.or_none(parameters.count),
        help="At most so many of its runs go at once.",
    ),
    click.option(
        "--skip-if-running/--no-skip-if-running", default=None, help="A fire that finds a run under way is cancelled."
    ),
    click.option(
        "--allow-blocks-to-fail/--no-allow-blocks-to-fail", default=None, help="What needs no failed block goes on."
    ),
    click.option(
        "--initial-run/--no-initial-run", default=None, help="The period that has begun is run once it is enabled."
    ),
    click.option("--landing/--no-landing", default=None, help="Runs are to be over at --start's time of day."),
    click.option("--catch-up", type=click.Choice(["last", "all", "none"]), help="Which missed fire times are run."),
    click.option("--description", metavar="TEXT", type=parameters.text, help="What it is for."),
    click.option("--tag", "tags", metavar="TAG", multiple=True, type=parameters.text, help="May be repeated."),
)


@click.command("list", context_settings=options.CONTEXT)
@click.option("--project", metavar="NAME", help="Only triggers of this project.")
@click.option("--pipeline", metavar="NAME", help="Only triggers of pipelines of this name.")
@click.option("-n", "--limit", type=click.IntRange(1, 100_000), default=100, show_default=True, help="At most so many.")
@click.option("--after", metavar="TRIGGER", type=int, default=0, help="Only newer ones: the next page of a list.")
@options.written_as
@options.colour
def list_(project: str | None, pipeline: str | None, limit: int, after: int, as_json: bool) -> None:
    """List triggers, the oldest first. Those of backfills are not among them."""
    from headrace.cli import places, triggers_list

    with places.opened() as place:
        triggers_list.write(place, limit, after, project, pipeline, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@named
@click.option("--token", "tokens", is_flag=True, help="Show its token as well, and how it is called.")
@options.written_as
@options.colour
def show(named: str, tokens: bool, as_json: bool) -> None:
    """Show TRIGGER: all of its definition, when it fires next, and the fire times that got no run."""
    from headrace.cli import places, triggers_show

    with places.opened() as place:
        triggers_show.write(place, place.triggers.find(named), tokens=tokens, as_json=as_json)


@click.command(context_settings=options.CONTEXT, epilog=DEFINING)
@click.argument("project", type=options.FOLDER)
@click.argument("pipeline")
@click.argument("name", type=parameters.text)
@defining
@click.option("--paused", is_flag=True, help="It begins no runs until it is resumed.")
@options.written_as
@options.colour
def create(project: Path, pipeline: str, name: str, paused: bool, as_json: bool, **said: Any) -> None:
    """Make a trigger NAME of PIPELINE of the folder PROJECT. It is active from now on."""
    from headrace.cli import defining, places, triggers_create
    from headrace.operations import triggers

    definition = defining.new(name, defining.Given(**said))
    if not home.server():
        triggers.check(project, pipeline, definition)
    with places.opened() as place:
        triggers_create.create(place, project, pipeline, definition, active=not paused, as_json=as_json)


@click.command(context_settings=options.CONTEXT, epilog=EDITING)
@named
@click.option("--name", metavar="NAME", type=parameters.text, help="What it is called from now on.")
@defining
@click.option("--without-var", "without", metavar="NAME", multiple=True, help="Its runs have this variable no more.")
@options.written_as
@options.colour
def edit(named: str, as_json: bool, **said: Any) -> None:
    """Define TRIGGER anew: what is given changes, all else stays.

    No run begins by it: what was due before is dealt with as it was, and only what comes due later is run by the new
    definition.
    """
    from headrace.cli import defining, places, triggers_edit

    given = defining.Given(**said)
    if given == defining.Given():
        raise click.UsageError("Say what is to be changed.", click.get_current_context())
    with places.opened() as place:
        trigger = place.triggers.find(named)
        triggers_edit.edit(place, trigger, defining.anew(trigger.definition, given), as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@named
@options.written_as
@options.colour
def pause(named: str, as_json: bool) -> None:
    """Have TRIGGER begin no runs until it is resumed. Its runs that have not begun wait for that as well."""
    from headrace.cli import places, triggers_state

    with places.opened() as place:
        triggers_state.pause(place, place.triggers.find(named), as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@named
@options.written_as
@options.colour
def resume(named: str, as_json: bool) -> None:
    """Have TRIGGER begin runs again. What came due while it was paused gets none, and is among its gaps."""
    from headrace.cli import places, triggers_state

    with places.opened() as place:
        triggers_state.resume(place, place.triggers.find(named), as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@named
@options.colour
def delete(named: str) -> None:
    """Delete TRIGGER. The runs it has begun stay; those that have not started are cancelled."""
    from headrace.cli import places, triggers_state

    with places.opened() as place:
        triggers_state.delete(place, place.triggers.find(named))


@click.command(context_settings=options.CONTEXT)
@named
@options.colour
def rotate(named: str) -> None:
    """Give TRIGGER a new token, and print it. The one before is worth nothing from then on."""
    from headrace.cli import places, triggers_state

    with places.opened() as place:
        triggers_state.rotate(place, place.triggers.find(named))


@click.command("next", context_settings=options.CONTEXT)
@click.argument("named", metavar="TRIGGER", required=False)
@click.option("--cron", metavar="CRON", help="Of this expression, of which nobody has made a trigger.")
@click.option("--every", type=click.Choice(PERIODS), help="The same, of these.")
@click.option("--zone", metavar="ZONE", help="The IANA zone in which --cron or --every is meant.  [default: UTC]")
@click.option("-n", "--count", type=click.IntRange(1, 10_000), default=10, show_default=True, help="So many.")
@click.option("--after", metavar="MOMENT", type=parameters.moment, help="After this moment, and not after now.")
@options.written_as
@options.colour
def next_(
    named: str | None,
    cron: str | None,
    every: str | None,
    zone: str | None,
    count: int,
    after: datetime | None,
    as_json: bool,
) -> None:
    """Tell when TRIGGER fires next, by the clocks of its zone and in UTC."""
    interval = _one_of(named, cron, every, zone)
    from headrace.cli import places, triggers_next
    from headrace.model.trigger import Definition, TriggerType

    if interval is not None:
        definition = Definition(name="", type=TriggerType.TIME, interval=interval, zone=zone or "UTC")
        triggers_next.write(definition, count, after, as_json=as_json)
    else:
        with places.opened() as place:
            triggers_next.write_trigger(place.triggers.find(named or ""), count, after, as_json=as_json)


def _one_of(named: str | None, cron: str | None, every: str | None, zone: str | None) -> str | None:
    """The interval that is asked about; None for a trigger's."""
    said = [each for each in (named, cron, every) if each is not None]
    if len(said) != 1:
        raise click.UsageError("Name one trigger, or give --cron or --every.", click.get_current_context())
    if named is not None and zone is not None:
        raise click.UsageError("A trigger has a zone of its own; --zone is for --cron and --every.")
    return cron if cron is not None else every


@click.command(context_settings=options.CONTEXT)
@named
@click.option(
    "--var", "given", metavar="NAME=VALUE", multiple=True, help="A variable of this run, over the trigger's own."
)
@click.option("--event", metavar="NAME=VALUE", multiple=True, help="An event variable, as a caller gives them.")
@click.option("--date", metavar="MOMENT", type=parameters.moment, help="Its execution date.  [default: now]")
@click.option("--key", metavar="KEY", help="A name for what is asked: asked again with it, it is the same run.")
@options.colour
def run(named: str, given: Sequence[str], event: Sequence[str], date: datetime | None, key: str | None) -> None:
    """Begin a run of TRIGGER by hand, whatever its type: it is left to an engine, and its number is printed."""
    from headrace.cli import places, triggers_run, variables
    from headrace.engine.calls import Call

    events = variables.parse(event) if event else None
    call = Call(variables=variables.parse(given), event_variables=events, execution_date=date, key=key)
    with places.opened() as place:
        triggers_run.run(place, place.triggers.find(named), call)


@click.command(context_settings=options.CONTEXT)
@click.argument("project", type=options.FOLDER)
@options.written_as
@options.colour
def diff(project: Path, as_json: bool) -> int:
    """Tell what taking over the triggers.yaml files of the folder PROJECT would do. Nothing is changed.

    Exit code 0 if it would do nothing, 1 if it would, or if something in a file cannot be taken over.
    """
    from headrace.cli import triggers_diff

    with home.opened() as app:
        return triggers_diff.write(app, project, as_json=as_json)
