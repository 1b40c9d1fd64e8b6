"""Steps of SQL that come by an API, as blocks."""

from collections.abc import Mapping, Sequence
from typing import Any

from headrace import errors
from headrace.app import App
from headrace.model.pipeline import NEVER_RUN, BlockType, Language
from headrace.operations import authoring, catalogue
from headrace.operations.authoring import Authored, NewBlock
from headrace.project import queries

JOB_TYPE = "data-transform"  # by which TrueState's clients, and definitions, call a step of SQL


def block(name: str, query: str, configuration: Mapping[str, Any]) -> NewBlock:
    """The step of that name.

    Its `configuration` says what it reads and writes, and how: `output_datasets`, and as far as they are given
    `input_datasets`, `write_mode`, `row_unique_identifier` and `memory_limit`.
    """
    limit = configuration.get("memory_limit")
    return NewBlock(
        uuid=name,
        type=BlockType.TRANSFORMER,
        language=Language.SQL,
        code=query,
        configuration=configuration,
        extra={} if limit is None else {"executor_config": {"memory_limit": limit}},
    )


def plain(name: str, query: str, configuration: Mapping[str, Any]) -> NewBlock:
    """The same of a query that is taken as it is: what looks like a variable in it is text."""
    said = {"template": False} if queries.is_template(query, {}) else {}
    return block(name, query, {**configuration, **said})


def revise(app: App, uid: str, blocks: Sequence[NewBlock]) -> Authored:
    """The pipeline of that uid has just these steps.

    NoSuchRecord; NotOfSteps where it has blocks of another kind, which would be lost; and what `authoring.revise` raises.
    """
    found = catalogue.get(app, uid)
    authoring.writable(app, found.row.id)
    others = [each.uuid for each in found.current.content.blocks if each.type not in NEVER_RUN and not each.is_step]
    if others:
        raise errors.NotOfSteps(pipeline=found.title, blocks=", ".join(others))
    return authoring.revise(app, found.row.id, blocks)
