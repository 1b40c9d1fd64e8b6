"""Secrets that the blocks of the project may read: listed, made, deleted."""

from headrace.api import auditing
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many, cut, page
from headrace.api.mage.fields import text
from headrace.api.mage.resources import Resource
from headrace.api.mage.secrets import shapes
from headrace.operations import secrets

noun = Resource("secret", "secrets")
RESOURCES = (noun,)


@noun.list("/secrets", query=("entity", "pipeline_uuid"), shape=shapes.Secret)
def list_all(asked: Asked) -> Many:
    found = secrets.readable(asked.home, asked.project)
    shown, count, more = cut(found, asked.query.limit(), asked.query.offset)
    return page([shapes.secret(each) for each in shown], count, more=more)


@noun.create("/secrets", writes=("entity", "name", "pipeline_uuid", "value"), shape=shapes.Secret)
def create(asked: Asked) -> shapes.Secret:
    """A secret of the project; there must be none of its name."""
    made = secrets.create(asked.home, text(asked, "name"), text(asked, "value"), asked.project)
    auditing.touch(asked.request, "secrets", made.name)
    return shapes.secret(made)


@noun.delete("/secrets/{name}", shape=shapes.Secret)
def delete(asked: Asked) -> shapes.Secret:
    return shapes.secret(secrets.remove(asked.home, asked.path("name"), asked.project))
