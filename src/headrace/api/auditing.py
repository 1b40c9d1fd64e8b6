"""Auditing: each request that changes something, or that is refused to who calls, is noted once it is over."""

import contextlib
import re
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from headrace import clock, errors
from headrace.app import App
from headrace.model import audit
from headrace.model.access import Caller, Token, User
from headrace.model.audit import Outcome

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
LONGEST = 200  # characters of what was touched
NAMED = ("project", "pipeline", "engine", "name")  # in paths, besides what ends in _id; tokens are in paths, too
UNKNOWN = frozenset(
    {"not_authenticated", "login_refused", "too_many_logins", "bad_token"}
)  # whose callers nobody knows
UNREAD = frozenset(
    {"bad_body", "bad_field", "bad_record", "record_incomplete", "request_validation_error", "too_large"}
)  # before anything is shown: who has shown nothing does not fill the audit with them
_RUN = re.compile(r"/runs/(\d{1,18})$")


@dataclass(frozen=True, slots=True)
class Deed:
    """What a route does."""

    noun: str
    verb: str


@dataclass
class Done:
    """How it went: the answer, once there is one."""

    answer: Response | None = None


@contextlib.asynccontextmanager
async def noting(request: Request, deed: Deed) -> AsyncGenerator[Done]:
    """What is done within is noted when it is over; what goes wrong goes on to whoever answers it."""
    done = Done()
    try:
        yield done
    except Exception as error:
        _note(request, deed, _outcome(error), kind(type(error)), {})
        raise
    answer = done.answer or Response(None, 500)
    _note(request, deed, Outcome.OK if answer.status_code < 400 else Outcome.FAILED, None, answer.headers)


def touch(request: Request, noun: str, object: Any, run_id: int | None = None) -> None:
    """Says of which thing the request is, where its path does not."""
    request.state.touched = (noun, _kept(str(object)), run_id)


def known_as(request: Request, user: User, token: Token) -> None:
    """Says who it is that has just come in."""
    request.state.caller = Caller(user.username, token.role, token.id, token.expires_at, user_id=user.id)


def came_in(app: App, request: Request, token: Token) -> None:
    """A browser has come in by a page, and has that token from now on."""
    deed = audit.Deed(
        at=clock.now(),
        who=token.name,
        user_id=token.user_id,
        token_id=token.id,
        deed="sessions.login",
        noun="sessions",
        outcome=Outcome.OK,
        address=request.client.host if request.client else None,
        via="browser",
    )
    app.store.auditor.note(deed)


def kind(error: type[Exception]) -> str:
    """The word for an error: NotAllowed is not_allowed."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", error.__name__).lower()


def _outcome(error: Exception) -> Outcome:
    return Outcome.REFUSED if isinstance(error, errors.NotAllowed | errors.NotAuthenticated) else Outcome.FAILED


def _note(request: Request, deed: Deed, outcome: Outcome, problem: str | None, headers: Mapping[str, str]) -> None:
    app: App = request.app.state.home
    via: str = request.app.state.via
    address = request.client.host if request.client else None
    caller: Caller | None = getattr(request.state, "caller", None)
    if problem in UNKNOWN or (caller is None and problem in UNREAD):
        app.store.auditor.count(via, problem, address, clock.now())
    elif outcome is Outcome.REFUSED or request.method not in SAFE:
        noun, touched, run_id = _touched(request, deed, headers)
        project: str | None = request.path_params.get("project")
        noted = audit.Deed(
            at=clock.now(),
            who=caller.name if caller else "whoever called",
            user_id=caller.user_id if caller else None,
            token_id=caller.token_id if caller else None,
            deed=f"{deed.noun}.{deed.verb}",
            noun=noun,
            object=touched,
            run_id=run_id,
            project=None if project is None else _kept(project),
            outcome=outcome,
            problem=problem,
            address=address,
            via=via,
        )
        app.store.auditor.note(noted)


def _touched(request: Request, deed: Deed, headers: Mapping[str, str]) -> tuple[str, str | None, int | None]:
    """The noun, which of them, and the run: as a route has said it, as the path does, or as the answer's Location."""
    if said := getattr(request.state, "touched", None):
        return said
    given = request.path_params
    parts = [str(value) for name, value in given.items() if name.endswith("_id") or name in NAMED]
    there = headers.get("location", "")
    run = _RUN.search(there) or re.fullmatch(r"(\d{1,18})", str(given.get("run_id", "")))
    touched = "/".join(parts) or there.rpartition("/")[2] or None
    return deed.noun, _kept(touched) if touched else None, int(run[1]) if run else None


def _kept(touched: str) -> str:
    """As far as a row can hold it: one that could not would take those beside it along."""
    return touched[:LONGEST].replace("\0", "").encode("utf-8", "replace").decode()
