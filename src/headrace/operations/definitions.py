"""Definitions of pipelines: documents, in files or sent, that say what a pipeline of SQL steps is to be.

    name: Sales
    description: What is sold, by day
    steps:
    - name: clean
      query: select * from orders where amount > 0     # or query_file: clean.sql
      output_datasets: [clean_orders]

What TrueState's SDK calls `pipeline_config.jobs`, each with its `config`, is understood, too.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from headrace import errors
from headrace.app import App
from headrace.model.dataset import WriteMode
from headrace.operations import projects, steps
from headrace.operations.authoring import NewPipeline
from headrace.project import authored, document, faults

LARGEST = 4 * 2**20  # bytes of a file
LISTS = ("pipeline_config", "workflow_config")  # by what others call the steps of a pipeline
SAID = frozenset({"job_type", "query_type"})  # by others, of what is a step of SQL here

Document = Mapping[str, Any]


class Dataset(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    description: str | None = None


class Step(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    name: str
    query: str
    output_datasets: list[str | Dataset]
    input_datasets: list[str | Dataset] | None = None
    write_mode: WriteMode | None = None
    row_unique_identifier: str | list[str] | None = None
    memory_limit: int | str | None = None


class Definition(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    steps: list[Step]
    description: str = ""
    tags: list[str] = []


def new(given: Document) -> NewPipeline:
    """The pipeline that the document says. BadDefinition for one that says something else."""
    try:
        said = msgspec.convert(given, Definition)
    except msgspec.ValidationError as error:
        raise errors.BadDefinition(of=given.get("name"), why=str(error)) from None
    blocks = [steps.block(each.name, each.query, _configuration(each)) for each in said.steps]
    return NewPipeline(name=said.name, description=said.description, blocks=blocks, tags=said.tags)


def refuse_elsewhere(app: App, project: str, pipeline: str) -> None:
    """NotAuthored for a project that is somebody's folder; ProjectUnknown."""
    if project != authored.NAME and projects.named(app, project).path != authored.place(app.settings.home):
        raise errors.NotAuthored(pipeline=pipeline, project=project)


def read(file: Path) -> list[dict[str, Any]]:
    """The definitions in a file of YAML or JSON: one, or several in a list under `pipelines`. BadDefinition."""
    return [_plain(each, file) for each in _listed(_parsed(file))]


def _listed(whole: Any) -> Sequence[Any]:
    if not isinstance(whole, dict) or "pipelines" not in whole:
        return [whole]
    listed: Any = cast("Document", whole)["pipelines"]
    return cast("list[Any]", listed) if isinstance(listed, list) else [None]


def _parsed(file: Path) -> Any:
    try:
        text = file.read_bytes()[: LARGEST + 1].decode("utf-8-sig")
        return document.parse(text).value
    except (OSError, UnicodeDecodeError) as error:
        raise errors.BadDefinition(of=file, why=getattr(error, "strerror", None) or "it is not UTF-8") from None
    except faults.NotYaml as error:
        raise errors.BadDefinition(of=document.place(str(file), error.line, error.column), why=str(error)) from None
    except faults.NotPlain as error:
        raise errors.BadDefinition(of=file, why=str(error)) from None


def _plain(given: Any, file: Path) -> dict[str, Any]:
    """A definition as it is sent: with its queries in it, and by headrace's own words."""
    if not isinstance(given, dict):
        raise errors.BadDefinition(of=file, why="a pipeline is expected: a mapping with a name and steps")
    said = dict(cast("Document", given))
    for name in LISTS:
        if isinstance(config := said.get(name), dict):
            del said[name]
            said["steps"] = cast("Document", config).get("jobs")
    if isinstance(written := said.get("steps"), list):
        said["steps"] = [_step(each, file) for each in cast("list[Any]", written)]
    return said


def _step(given: Any, file: Path) -> Any:
    if not isinstance(given, dict):
        return given
    said = dict(cast("Document", given))
    if isinstance(config := said.pop("config", None), dict):
        said |= {name: each for name, each in cast("Document", config).items() if name not in SAID or _is_other(each)}
    if isinstance(beside := said.pop("query_file", None), str):
        said["query"] = _query(file.parent / beside)
    return said


def _is_other(word: Any) -> bool:
    """Whether it says that the step is none of SQL: then it stays, and is refused."""
    return word not in (steps.JOB_TYPE, "sql")


def _query(file: Path) -> str:
    try:
        return file.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise errors.BadDefinition(of=file, why=getattr(error, "strerror", None) or "it is not UTF-8") from None


def _configuration(step: Step) -> dict[str, Any]:
    """What of the step is not its name nor its query, as it was given."""
    said: dict[str, Any] = msgspec.to_builtins(step)
    return {name: value for name, value in said.items() if name not in ("name", "query")}
