"""The audit is read; what is done by hand is noted in it."""

import getpass
from collections.abc import Sequence
from typing import Any

from headrace import clock
from headrace.app import App
from headrace.model.audit import Deed, Entry, Outcome
from headrace.store.audit import Asked


def listed(app: App, asked: Asked, limit: int, before: int | None = None) -> Sequence[Entry]:
    """The newest first, with ids below `before`, at most `limit`."""
    return app.store.audit.list(asked, limit, before)


def note(app: App, noun: str, verb: str, object: Any = None, run_id: int | None = None) -> None:
    """Whoever uses this machine's account has done that, by the command line."""
    deed = Deed(
        at=clock.now(),
        who=_account(),
        deed=f"{noun}.{verb}",
        noun=noun,
        object=None if object is None else str(object),
        run_id=run_id,
        outcome=Outcome.OK,
        via="cli",
    )
    app.store.auditor.note(deed)


def _account() -> str:
    try:
        return f"{getpass.getuser()} at this machine"
    except (KeyError, OSError):
        return "somebody at this machine"
