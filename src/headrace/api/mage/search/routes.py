"""Blocks that are in use in the project are found by their names."""

from headrace.api.mage.asked import Asked
from headrace.api.mage.fields import text_if_any
from headrace.api.mage.resources import Resource
from headrace.api.mage.search import shapes
from headrace.model.access import Role
from headrace.operations import block_search

noun = Resource("search_result", "search_results")
RESOURCES = (noun,)
BLOCKS = "block_action_objects"


@noun.create(
    "/search_results", role=Role.VIEWER, writes=("pipeline_type", "query", "ratio", "type"), shape=shapes.SearchResult
)
def search(asked: Asked) -> shapes.SearchResult:
    """Blocks of the project's pipelines, those that are most alike first; nothing of another type."""
    kind, query = text_if_any(asked, "type") or BLOCKS, text_if_any(asked, "query") or ""
    blocks = block_search.find(asked.home, asked.project, query) if kind == BLOCKS else []
    return shapes.found(kind, query, blocks)
