"""Sessions: logging in with a password, and out again."""

from pydantic import Field
from starlette.requests import Request
from starlette.responses import Response

from headrace.api import auditing, gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Who, Whole
from headrace.model.access import TokenKind
from headrace.operations import documents, sessions

router = here.routes("sessions")


class Login(given.Body):
    """Who wants in."""

    name: given.Name = Field(description="The username or email.", examples=["ada"])
    password: str = Field(max_length=1024)
    cookie: bool = Field(False, description="For a browser: the token comes in a cookie that no script can read.")


@router.post("/sessions", status_code=201, summary="Log in", responses=answers.tells("Session", 201))
@gate.open_to_all
def login(home: Whole, request: Request, asked: Login) -> Response:
    """401 for a wrong name or password, 429 once too many have failed.

    The token stands for 30 days, one in a cookie for 12 hours, and at most until the user has another password.
    """
    if asked.cookie:
        gate.refuse_foreign(request)
    kind = TokenKind.BROWSER if asked.cookie else TokenKind.SESSION
    begun = sessions.login(home, asked.name, asked.password, gate.address(request), kind)
    auditing.known_as(request, begun.user, begun.token)
    answer = answers.written(documents.session(begun, told=not asked.cookie), 201, {"Cache-Control": "no-store"})
    if asked.cookie:
        gate.give_cookie(request, answer, begun.said)
    return answer


@router.delete("/sessions/current", status_code=204, summary="Log out", response_class=Response)
def logout(home: Whole, who: Who) -> Response:
    """The token that is shown lets nobody in any more."""
    sessions.logout(home, who.token_id)
    answer = Response(status_code=204)
    answer.delete_cookie(gate.COOKIE)
    return answer
