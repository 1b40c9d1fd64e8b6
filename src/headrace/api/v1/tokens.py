"""Tokens: what lets programs in."""

from datetime import timedelta
from typing import Annotated

from fastapi import Path
from pydantic import Field, Strict
from starlette.responses import Response

from headrace.api import gate
from headrace.api.v1 import answers, given, here
from headrace.api.v1.here import Home, Who
from headrace.model.access import Role
from headrace.operations import documents, tokens

router = here.routes("tokens")

TokenId = Annotated[int, Path(ge=1, le=2**63 - 1, description="The token's number.")]


class NewToken(given.Body):
    """A token that is to be made."""

    name: given.Name = Field(description="Whose it is, or what for.", examples=["nightly load"])
    role: Annotated[Role, Strict(False)] = Field(
        description="What it may do; nobody gives more than he has himself.", examples=["editor"]
    )
    days: float | None = Field(None, gt=0, le=36_500, description="How long it stands; for ever when left out.")
    user_id: given.Id | None = Field(
        None, description="Of that user: it may what they may, as far as the role goes, and ends with them."
    )


@router.get("/tokens", summary="All tokens, without what they say", responses=answers.tells("Tokens"))
@gate.needs(Role.ADMIN)
def list_all(home: Home) -> Response:
    return answers.written({"tokens": [documents.token(each) for each in home.store.tokens.list()]})


@router.post(
    "/tokens", status_code=201, summary="A new token, told this once", responses=answers.tells("MadeToken", 201)
)
@gate.needs(Role.ADMIN)
def create(home: Home, who: Who, new: NewToken) -> Response:
    gate.refuse_above(who, new.role)
    lifetime = None if new.days is None else timedelta(days=new.days)
    token, said = tokens.create(home, new.name, new.role, lifetime, new.user_id)
    return answers.written({**documents.token(token), "token": said}, 201, {"Cache-Control": "no-store"})


@router.delete(
    "/tokens/{token_id:number}",
    summary="Have a token let nobody in any more",
    responses=answers.tells("Token"),
)
@gate.needs(Role.ADMIN)
def revoke(home: Home, who: Who, token_id: TokenId) -> Response:
    """Of one that lets in whoever is above the caller: 403."""
    gate.refuse_above(who, tokens.highest(home, home.store.tokens.get(token_id)))
    return answers.written(documents.token(tokens.revoke(home, token_id)))
