"""`headrace secrets`: passwords, tokens and keys that blocks need and nobody else may read.

What a command needs to answer is imported when it is called, so that its help is there at once.
"""

from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

import click

from headrace.cli import home, options
from headrace.cli.lazy import LazyGroup

COMMANDS = {
    "set": ("headrace.cli.secrets:set_", "Make a secret, or give it another value."),
    "list": ("headrace.cli.secrets:list_", "List the names of secrets."),
    "delete": ("headrace.cli.secrets:delete", "Delete a secret."),
    "rotate-key": ("headrace.cli.secrets:rotate_key", "Seal all that is sealed with a new key."),
}

EPILOG = """\
\b
Examples:
  headrace secrets set WAREHOUSE_PASSWORD
  headrace secrets set GCP_KEY --project . --value-file key.json
  pass show api/token | headrace secrets set API_TOKEN
  headrace secrets list

\b
Blocks read them: get_secret_value('API_TOKEN'), or in io_config.yaml
{{ mage_secret_var('API_TOKEN') }}; docs/guides/secrets.md has more."""

SAID = (
    "A value is not given on the command line, where ps and the shell's history show it. Leave it out and type it when "
    "you are asked, pipe it in, or name a file that has it: --value-file FILE."
)

Command = TypeVar("Command", bound=Callable[..., Any])

of_project = click.option(
    "--project", metavar="PROJECT", help="A project's folder, or its name. Without it: of all projects."
)


@click.group(cls=LazyGroup, commands_at=COMMANDS, context_settings=options.CONTEXT, epilog=EPILOG)
@options.colour
def secrets() -> None:
    """Keep secrets for blocks: sealed in the database, masked in logs, and shown to nobody."""


def _refused(context: click.Context, _: click.Parameter, given: Any) -> None:
    """Without a word of what was given."""
    if given:
        raise click.UsageError(SAID, context)


@click.command("set", context_settings=options.CONTEXT)
@click.argument("name")
@click.argument("said", nargs=-1, callback=_refused, expose_value=False, metavar="")
@click.option("--value", callback=_refused, expose_value=False, hidden=True)
@of_project
@click.option(
    "--value-file", "file", metavar="FILE", type=click.File("rb"), help="Where the value is, as UTF-8; - is stdin."
)
@options.colour
def set_(name: str, project: str | None, file: BinaryIO | None) -> None:
    """Give the secret NAME a value: from a file, from stdin, or typed without being shown.

    A line end at its end is not part of it. Blocks that read the secret from now on get this value; a project's own
    secret comes before one of all projects.
    """
    from headrace.cli import places, secrets_set

    if "=" in name:
        raise click.UsageError(SAID, click.get_current_context())
    with places.opened() as place:
        secrets_set.set_(place, name, project, file)


@click.command("list", context_settings=options.CONTEXT)
@click.option("--project", metavar="PROJECT", help="Only those of this project's own: its folder, or its name.")
@options.written_as
@options.colour
def list_(project: str | None, as_json: bool) -> None:
    """List secrets: names, whose they are, when they were set, and with which key. Values are shown nowhere."""
    from headrace.cli import places, secrets_list

    with places.opened() as place:
        secrets_list.write(place, project, as_json=as_json)


@click.command(context_settings=options.CONTEXT)
@click.argument("name")
@of_project
@options.colour
def delete(name: str, project: str | None) -> None:
    """Delete the secret NAME. Blocks that read it from now on find none."""
    from headrace.cli import places, secrets_set

    with places.opened() as place:
        secrets_set.delete(place, name, project)


@click.command("rotate-key", context_settings=options.CONTEXT)
@options.colour
def rotate_key() -> int:
    """Make a new key, and seal all secrets and the tokens of triggers with it; the old key is forgotten.

    Nothing else has to stop for it. Should it be interrupted, run it again: it goes on where it was. Where HEADRACE_KEY
    says what the keys are, everything is sealed with the first of them. Exit code 1 if something could not be opened.
    """
    from headrace.cli import secrets_keys

    with home.opened() as app:
        return secrets_keys.rotate(app)
