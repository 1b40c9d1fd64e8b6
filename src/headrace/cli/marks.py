"""How statuses look: a mark, a colour and words, for runs, blocks, triggers and backfills."""

import click

from headrace.model.run import BlockStatus, Run
from headrace.model.trigger import Backfill, BackfillStatus, Trigger

MARKS = {
    "initial": "·",
    "queued": "·",
    "running": "▸",
    "committing": "▸",
    "completed": "✓",
    "failed": "✗",
    "cancelled": "⊘",
    "upstream_failed": "–",
    "condition_failed": "–",
    "abandoned": "!",
    "active": "●",
    "paused": "‖",
    "fault": "✗",
    "planned": "·",
}
COLOURS = {
    "running": "cyan",
    "committing": "cyan",
    "completed": "green",
    "failed": "red",
    "cancelled": "yellow",
    "abandoned": "yellow",
    "active": "green",
    "paused": "yellow",
    "fault": "red",
}
_WORDS = {"initial": "waiting", "upstream_failed": "not run", "condition_failed": "skipped"}


def word(status: str) -> str:
    """The status in a word or two."""
    return _WORDS.get(status, status)


def styled(text: str, status: str, *, bold: bool = False) -> str:
    """The text in the colour of that status."""
    colour = COLOURS.get(status)
    return click.style(text, fg=colour, bold=bold or None) if colour else click.style(text, dim=True)


def status(name: str) -> str:
    """The mark and the word of a status, in its colour."""
    return styled(f"{MARKS[name]} {word(name)}", name)


def of_run(run: Run, abandoned: bool) -> str:
    """The name of the run's status; `abandoned` for one whose engine is gone."""
    return "abandoned" if abandoned else run.status.value


def of_block(found: BlockStatus, abandoned: bool) -> str:
    """As `status` for a block run or attempt; one that ran when the engine of its run went is abandoned with it."""
    return status("abandoned" if abandoned and found is BlockStatus.RUNNING else found.value)


def of_trigger(trigger: Trigger) -> str:
    """The name of a trigger's status."""
    return "fault" if trigger.fault else "active" if trigger.active else "paused"


def of_backfill(backfill: Backfill) -> str:
    """The name of a backfill's status; `planned` for one that was never started."""
    return "planned" if backfill.status is BackfillStatus.INITIAL else backfill.status.value
