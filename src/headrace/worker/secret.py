"""Secret: what headrace keeps sealed, asked for by the block that needs it. It is in no environment and in no file."""

from headrace import errors
from headrace.worker import running, wire


def read(name: str) -> str | None:
    """The value of that secret of the project, or of all projects; None when there is none of this name.

    Raises SecretUnreadable for one that cannot be opened, and CannotAsk where no block runs.
    """
    if running.ask is None:
        raise errors.CannotAsk
    answer = running.ask(wire.ReadSecret(str(name)))
    if isinstance(answer, wire.Declined):
        raise errors.SecretUnreadable(name=name, why=answer.why)
    assert isinstance(answer, wire.Secret)  # noqa: S101 - nothing else answers such a request
    return answer.value
