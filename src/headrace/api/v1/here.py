"""What every route has at hand: the home that is served, the feed of its changes, and who calls."""

from typing import Annotated, Any, get_args, get_origin

from fastapi import APIRouter, Depends
from fastapi.routing import APIRoute
from pydantic.fields import FieldInfo
from starlette.convertors import Convertor, register_url_convertor
from starlette.exceptions import HTTPException
from starlette.requests import Request

from headrace import errors
from headrace.api import applications
from headrace.api.feed import Feed
from headrace.app import App
from headrace.model.access import Caller


async def _whole(request: Request) -> App:
    """Whoever calls: for what is about themselves."""
    return request.app.state.home


async def _feed(request: Request) -> Feed:
    return request.app.state.feed


async def _caller(request: Request) -> Caller:
    return request.state.caller


Home = applications.Home
Whole = Annotated[App, Depends(_whole)]
Changes = Annotated[Feed, Depends(_feed)]
Who = Annotated[Caller, Depends(_caller)]


class Number(Convertor[str]):
    """An id within a path; what is none is no path of the API."""

    regex = "[0-9]{1,19}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class RunName(Number):
    """A run within a path: its number, or its uid, which other dialects know it by."""

    regex = f"{Number.regex}|[0-9a-fA-F]{{8}}(?:-[0-9a-fA-F]{{4}}){{3}}-[0-9a-fA-F]{{12}}"


register_url_convertor("number", Number())
register_url_convertor("run", RunName())


async def _refuse_unkept(request: Request) -> None:
    """404 for a path with a NUL in it: no database keeps such a name."""
    if "\0" in request.scope["path"]:
        raise HTTPException(404)


async def _refuse_unknown(request: Request) -> None:
    """BadField for a parameter that the route does not have (somebody has mistyped one that it has), or that is given
    twice, or with a NUL.
    """
    given = request.query_params.multi_items()
    known = _parameters(request.scope["route"]) if given else {}
    for name, said in given:
        if name not in known:
            expected = f"one of the parameters {', '.join(known)}" if known else "no parameters"
        elif "\0" in said:
            expected = "text without NUL"
        elif not known[name] and len(request.query_params.getlist(name)) > 1:
            expected = "to be given once"
        else:
            continue
        raise errors.BadField(field=name, given=said, expected=expected)


def _parameters(route: APIRoute) -> dict[str, bool]:
    """What may stand in the query, by name, and whether it may stand there more than once."""
    known: dict[str, FieldInfo] = {}
    for field in route.dependant.query_params:
        known |= getattr(field.field_info.annotation, "model_fields", None) or {field.alias: field.field_info}
    return {name: _is_list(info.annotation) for name, info in known.items()}


def _is_list(annotation: Any) -> bool:
    return list in (get_origin(annotation), *map(get_origin, get_args(annotation)))


def routes(noun: str, **given: Any) -> APIRouter:
    """Routes about a noun; each is behind the gate."""
    first = [Depends(_refuse_unkept), Depends(_refuse_unknown)]
    return applications.routes(noun, dependencies=first, **given)
