"""Engines: what moves runs forward."""

from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, here
from headrace.api.v1.here import Home
from headrace.model.access import Role
from headrace.operations import documents, engines

router = here.routes("engines")


@router.get("/engines", summary="The engines there are", responses=answers.tells("Engines"))
def list_all(home: Home) -> Response:
    """The oldest first; with how many open runs each has."""
    return answers.written({"engines": [documents.engine(each) for each in engines.standing(home)]})


@router.post(
    "/engines/{engine}/drain",
    status_code=202,
    summary="Have an engine begin nothing more",
    responses=answers.tells("Engine", 202),
)
@gate.needs(Role.ADMIN)
def drain(home: Home, engine: str) -> Response:
    """It claims no run and begins no attempt from now on. When the blocks that run have ended it is no engine any more,
    and its runs are for others; its server goes on answering until it is ended, and is ready no more.
    """
    return answers.written(documents.engine(engines.drain(home, engine)), 202)
