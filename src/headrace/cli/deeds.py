"""Deeds: what a command has changed in the home here is noted in the audit once it is done, as what a server does is.

What that takes is imported only then: whoever asks for help does not wait for it.
"""

import click

from headrace.app import App

LOOKS = frozenset(  # commands that change nothing
    ("list", "show", "logs", "output", "why", "next", "diff", "lineage", "history", "head")
)
NOUNS = {
    "backfill": "backfills",
    "drain": "engines",
    "token": "tokens",
    "run": "runs",
    "clean": "runs",
    "apply": "pipelines",
}
NAMED = ("run", "named", "number", "user", "name")  # arguments that say of which thing a command is; no other is kept


def note(app: App) -> None:
    """The command that is under way has done what it is for."""
    from headrace.operations import audit

    context = click.get_current_context(silent=True)
    words = context.command_path.split()[1:] if context else []
    if not context or not words or words[-1] in LOOKS or context.params.get("dry_run"):
        return
    noun = NOUNS.get(words[0], words[0])
    said = [context.params[name] for name in NAMED if context.params.get(name) is not None]
    run = context.params.get("run") if noun == "runs" else None
    audit.note(app, noun, words[-1], said[0] if said else None, run if isinstance(run, int) else None)
