"""Who may come in: users, sessions, tokens; secrets, and who did what."""

from datetime import datetime

from pydantic import Field

from headrace.api.v1.schemas.document import Document
from headrace.model.access import Role, TokenKind
from headrace.model.audit import Outcome


class Secret(Document):
    """What may be known of a secret."""

    id: int
    name: str
    project: str | None = Field(description="Null for one that all projects have.")
    created_at: datetime
    updated_at: datetime
    key: str = Field(description="The name of the key that it is sealed with.")
    opens: bool


class Secrets(Document):
    secrets: list[Secret]


class Token(Document):
    """What lets a program in, without what it says."""

    id: int
    uid: str
    name: str
    role: Role
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None
    kind: TokenKind
    user_id: int | None = Field(description="Whose it is; null for one of a program.")


class Tokens(Document):
    tokens: list[Token]


class MadeToken(Token):
    token: str = Field(description="What it says; it is told this once.")


class Grant(Document):
    """A role, for the pipelines that carry the tag."""

    role: Role
    tag: str | None = Field(description="Null: for all pipelines.")


class User(Document):
    """Somebody who may log in."""

    id: int
    uid: str
    username: str
    email: str | None
    first_name: str
    last_name: str
    avatar: str
    active: bool
    roles: list[Grant]
    created_at: datetime
    updated_at: datetime
    last_login_at: datetime | None


class Users(Document):
    users: list[User]


class Session(Document):
    """Who has logged in, and what they show from now on."""

    token: str | None = Field(description="Told this once; null where a cookie has it.")
    expires_at: datetime
    user: User


class Entry(Document):
    """Who did what, or wanted to."""

    id: int
    at: datetime
    who: str
    user_id: int | None
    token_id: int | None
    deed: str = Field(examples=["runs.cancel"])
    noun: str
    object: str | None = Field(description="Which of that noun.")
    run_id: int | None
    project: str | None
    outcome: Outcome
    problem: str | None = Field(description="The kind of error.")
    address: str | None
    via: str = Field(description="The API or tool that it came by.")
    count: int = Field(description="How often, where many are told as one.")


class Entries(Document):
    audit: list[Entry]
    next: str | None
