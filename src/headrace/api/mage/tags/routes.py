"""Tags are listed and written down."""

from headrace import errors
from headrace.api import auditing
from headrace.api.mage.asked import Asked
from headrace.api.mage.envelopes import Many, cut, page
from headrace.api.mage.fields import text_if_any
from headrace.api.mage.resources import Resource
from headrace.api.mage.tags import shapes
from headrace.operations import tags

noun = Resource("tag", "tags")
RESOURCES = (noun,)


@noun.list("/tags", shape=shapes.Tag)
def list_all(asked: Asked) -> Many:
    found = tags.listed(asked.home, asked.project)
    shown, count, more = cut(found, asked.query.limit(), asked.query.offset)
    return page([shapes.tag(each) for each in shown], count, more=more)


@noun.create("/tags", writes=("description", "id", "name", "uuid"), shape=shapes.Tag)
def create(asked: Asked) -> shapes.Tag:
    """Its name may come as its uuid."""
    name = text_if_any(asked, "name") or text_if_any(asked, "uuid")
    if not name:
        raise errors.RecordIncomplete(key="name", value=name)
    made = tags.create(asked.home, name, text_if_any(asked, "description"))
    auditing.touch(asked.request, "tags", made.name)
    return shapes.tag(made)
