"""What is found, as Mage shows it."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from headrace.operations.block_search import Found


class Result(TypedDict):
    block_type: str
    description: str | None
    language: str
    object_type: str
    title: str
    uuid: str


class SearchResult(TypedDict):
    results: list[Result]
    type: str
    uuid: str


def found(kind: str, query: str, blocks: Sequence[Found]) -> SearchResult:
    return {"results": [_result(each) for each in blocks], "type": kind, "uuid": query}


def _result(block: Found) -> Result:
    return {
        "block_type": block.type,
        "description": block.file,
        "language": block.language,
        "object_type": "block_file",
        "title": block.name,
        "uuid": block.uuid,
    }
