"""Cleaning: what has become old is looked at, and goes."""

from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, here
from headrace.api.v1.here import Home
from headrace.app import App
from headrace.model.access import Role
from headrace.operations import cleaning, documents

router = here.routes("cleaning")


@router.get("/cleaning", summary="What has become old", responses=answers.tells("Cleaned"))
@gate.needs(Role.ADMIN)
def foresee(home: Home) -> Response:
    """Nothing goes."""
    return _cleaned(home, dry=True)


@router.post("/cleaning", summary="Have what has become old go", responses=answers.tells("Cleaned"))
@gate.needs(Role.ADMIN)
def clean(home: Home) -> Response:
    """As the engine does by itself every hour. It is answered when all has gone, which may take minutes."""
    return _cleaned(home, dry=False)


def _cleaned(home: App, *, dry: bool) -> Response:
    return answers.written(documents.cleaned(cleaning.clean(home, dry=dry)))
