"""Stopping: a block that is asked to end is interrupted where it is, and may put its own things in order.

The supervisor asks with SIGTERM, at a stop and at a timeout. It becomes an exception, so that `finally` and context
managers run; `except Exception` does not catch it. It comes once: what the block does then is not interrupted again,
but the process is killed when the grace is over.
"""

import signal
from types import FrameType

from headrace import errors


class Heeded:
    """Within this context SIGTERM raises `errors.Stopped`, unless the block has a handler of its own; outside it kills."""

    def __enter__(self) -> None:
        signal.signal(signal.SIGTERM, _interrupt)

    def __exit__(self, *_: object) -> None:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def leave_to_others() -> None:
    """In a process that a block forked SIGTERM does what it does anywhere."""
    if signal.getsignal(signal.SIGTERM) in (_interrupt, _go_on):
        signal.signal(signal.SIGTERM, signal.SIG_DFL)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    signal.signal(signal.SIGTERM, _go_on)
    raise errors.Stopped


def _go_on(_number: int, _frame: FrameType | None) -> None:
    pass
