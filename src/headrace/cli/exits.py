"""How a command leaves: its exit code, and for an error one sentence on stderr."""

import os
import signal
import sys
import traceback
from typing import Any

import click

from headrace import errors

COMPLETED, FAILED, USAGE, CANCELLED, UNEXPECTED = 0, 1, 2, 3, 70
INTERRUPTED = 128 + signal.SIGINT
PIPE_CLOSED = 128 + signal.SIGPIPE

EPILOG = """\
\b
Exit codes: 0 completed, 1 failed, 2 bad usage or input (nothing was started),
3 cancelled, 70 a fault in headrace, 130 Ctrl-C, 141 the reader of a pipe left, 143 SIGTERM.

\b
Settings: HEADRACE_HOME (~/.headrace) is where everything is kept;
HEADRACE_URL (or --url) names a server to ask instead, and HEADRACE_TOKEN the token for it,
or HEADRACE_TOKEN_FILE a file that has it. HEADRACE_DEBUG=1 shows tracebacks of headrace itself."""


def outcome(command: click.Command) -> int:
    """Runs the command; its exit code. Whatever goes wrong has been said on stderr."""
    _ready_streams()
    try:
        with command.make_context("headrace", sys.argv[1:]) as context:  # `main` would answer a broken pipe itself
            code = command.invoke(context) or COMPLETED
        sys.stdout.flush()
    except click.exceptions.Exit as leave:
        return leave.exit_code
    except BrokenPipeError:
        silence(sys.stdout)
        return PIPE_CLOSED
    except (click.Abort, KeyboardInterrupt):
        return INTERRUPTED
    except Exception as error:
        return said(error)
    return code


def said(error: BaseException) -> int:
    """Says on stderr what went wrong; the exit code that belongs to it."""
    if os.environ.get("HEADRACE_DEBUG") and not isinstance(error, click.ClickException):
        traceback.print_exception(error, file=sys.stderr)
    sentence, code = verdict(error)
    complain(sentence if isinstance(error, click.exceptions.NoArgsIsHelpError) else f"error: {sentence}")
    return code


def verdict(error: BaseException) -> tuple[str, int]:
    """The sentence for an error, and the exit code."""
    match error:
        case click.exceptions.NoArgsIsHelpError():
            return error.format_message(), USAGE
        case click.UsageError():
            return _usage(error), USAGE
        case click.ClickException():
            return error.format_message(), USAGE
        case errors.NotAuthenticated():
            return f"{error} HEADRACE_TOKEN says the token, or the file that HEADRACE_TOKEN_FILE names.", USAGE
        case errors.BadInput():
            return str(error), USAGE
        case errors.HeadraceError():
            return str(error), FAILED
        case OSError():
            return f"{error.filename}: {why(error)}" if error.filename else why(error), FAILED
        case _:
            hint = "HEADRACE_DEBUG=1 shows where it happened."
            return f"Something in headrace itself went wrong: {type(error).__name__}: {error}. {hint}", UNEXPECTED


def why(error: OSError) -> str:
    """What the operating system says of it, in a few words."""
    return error.strerror or str(error)


def complain(sentence: str) -> None:
    """A line on stderr, if anybody reads it."""
    try:
        click.echo(sentence, err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: object) -> None:
    """Nobody reads that stream any more: what is written to it from now on goes nowhere, without an error."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())  # type: ignore[attr-defined]
    os.close(nowhere)


def _ready_streams() -> None:
    """Streams that were closed lead nowhere; what stdout's encoding does not have is escaped."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w"))  # noqa: PTH123, SIM115 - until the process ends
    stdout: Any = sys.stdout
    stdout.reconfigure(errors="backslashreplace")


def _usage(error: click.UsageError) -> str:
    sentence = error.format_message()
    return f"{sentence} Try '{error.ctx.command_path} --help'." if error.ctx else sentence
