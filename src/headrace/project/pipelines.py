"""A folder under `pipelines/` → Pipeline."""

from collections.abc import Callable, Sequence

from headrace import errors
from headrace.model.pipeline import Block, BlockType, Language, Pipeline
from headrace.project import (
    blocks,
    concurrency,
    document,
    edges,
    files,
    folder,
    imports,
    places,
    retries,
    source,
    steps,
    tree,
)
from headrace.project.faults import NotPlain, NotYaml
from headrace.project.fields import Field, Wrong
from headrace.project.folder import Project

_KNOWN = frozenset({
    "name", "type", "description", "tags", "blocks", "callbacks", "conditionals", "variables", "retry_config",
    "concurrency_config",
})  # fmt: skip


def read(project: Project, name: str) -> Pipeline:
    """The pipeline of that name, with its blocks' code looked at but not run.

    Raises PipelineNotFound; BadPipeline, which names the line and field at fault and what was expected; or
    BadBlockFile for a block's code that is not text or not Python.
    """
    file = folder.pipeline_file(project, name)
    return said(project, name, file, text(project, file))


def text(project: Project, file: str) -> str:
    """What a pipeline's file says. BadPipeline where that cannot be read."""
    try:
        return files.text(project.path, file)
    except files.Unreadable as error:
        raise errors.BadPipeline(file=file, field="the file", why=str(error)) from None


def said(project: Project, name: str, file: str, text: str) -> Pipeline:
    """The pipeline that the text of that file makes; raises what `read` does."""
    try:
        pipeline = _pipeline(project, name, document.parse(text))
    except NotYaml as error:
        place = document.place(file, error.line, error.column)
        raise errors.BadPipeline(file=place, field="this is not YAML", why=str(error)) from None
    except NotPlain as error:
        raise _refusal(file, text, Wrong(error.path, str(error))) from None
    except Wrong as error:
        raise _refusal(file, text, error) from None
    return pipeline


def read_all(project: Project) -> dict[str, Pipeline | errors.HeadraceError]:
    """Every pipeline of the project by name, or the error for which it was refused."""
    return {name: _read_or_error(project, name) for name in folder.pipeline_names(project)}


def _read_or_error(project: Project, name: str) -> Pipeline | errors.HeadraceError:
    try:
        return read(project, name)
    except errors.HeadraceError as error:
        return error


def _refusal(file: str, text: str, wrong: Wrong) -> errors.BadPipeline:
    place = document.place(file, document.line_of(text, wrong.path))
    return errors.BadPipeline(file=place, field=wrong.field, why=str(wrong))


def _pipeline(project: Project, name: str, written: document.Document) -> Pipeline:
    warnings: list[str] = []
    whole = Field(written.value)
    if written.value is None:
        raise whole.wrong("a mapping")
    _warn_dates(written, warnings)
    _warn_remote(whole, warnings)
    fields, (all_blocks, callbacks, conditionals) = _blocks(project, whole, warnings)
    return Pipeline(
        name=name,
        title=whole.at("name").text(name),
        type=whole.at("type").text() or "python",
        description=whole.at("description").text(),
        tags=tuple(each.text() for each in whole.at("tags").items()),
        blocks=all_blocks,
        callbacks=callbacks,
        conditionals=conditionals,
        variables=whole.at("variables").mapping(),
        retry_config={**project.retry_config, **retries.read(whole.at("retry_config"))},
        limits=concurrency.of_pipeline(whole, project.concurrency, fields, _warner(warnings)),
        imports=_imports(project, (*all_blocks, *callbacks, *conditionals)),
        warnings=tuple(warnings),
        extra=whole.rest(_KNOWN),
    )


def _blocks(
    project: Project, whole: Field, warnings: list[str]
) -> tuple[list[tuple[Field, Block]], Sequence[tuple[Block, ...]]]:
    """The blocks as they are written; and the blocks, callbacks and conditionals with their edges settled."""
    warn = _warner(warnings)
    lists = [_read_list(project, whole, kind, warn) for kind in ("blocks", "callbacks", "conditionals")]
    lists[1] += _legacy_callbacks(project, lists[0])
    known = [block for _, block in lists[0]]
    settled = [edges.settle(each, known, warn) for each in lists]
    edges.warn_one_sided(lists[0], warn)
    settled[0] = steps.join(lists[0], settled[0])
    edges.refuse_cycle(settled[0], whole.at("blocks"))
    return lists[0], settled


def _read_list(project: Project, whole: Field, kind: str, warn: edges.Warn) -> list[tuple[Field, Block]]:
    written = list(whole.at(kind).items())
    surroundings = blocks.Surroundings(
        project=project.path,
        siblings=blocks.by_name(written),
        executor_config=whole.at("executor_config"),
        warn=warn,
    )
    return [(each, blocks.read(each, surroundings)) for each in written]


def _legacy_callbacks(project: Project, read: Sequence[tuple[Field, Block]]) -> list[tuple[Field, Block]]:
    """`has_callback` of old projects means the file `callbacks/<uuid>_callback.py`, if there is one."""
    found: list[tuple[Field, Block]] = []
    for written, block in read:
        name = f"{block.uuid}_callback"
        file = next(places.default(BlockType.CALLBACK, Language.PYTHON, name))
        if written.at("has_callback").value and files.find(project.path, file):
            attached = Field({"upstream_blocks": [block.uuid]}, written.path)
            found.append((attached, Block(name, BlockType.CALLBACK, name=name, file=file, upstream=(block.uuid,))))
    return found


def _imports(project: Project, all_blocks: Sequence[Block]) -> tuple[str, ...]:
    """What the blocks' code imports, and what their queries take. Raises what `_check_code` does."""
    written = imports.third_party(project, _check_code(project, all_blocks))
    return tuple(sorted({*written, *steps.imports(all_blocks)}))


def _check_code(project: Project, all_blocks: Sequence[Block]) -> list[str]:
    """The files of Python that the blocks run. Raises BadBlockFile for one that is no text, or no Python."""
    python: list[str] = []
    for file, language in {block.file: block.language for block in all_blocks if block.file}.items():
        text = _code(project, file)
        if language is Language.PYTHON:
            refuse_fault(file, text)
            python.append(file)
    return python


def _code(project: Project, file: str) -> str:
    if not tree.keeps(file):
        raise errors.BadBlockFile(file=file, why="code is not kept from there; move it to a folder for code")
    try:
        return files.text(project.path, file)
    except files.Unreadable as error:
        raise errors.BadBlockFile(file=file, why=str(error)) from None


def refuse_fault(file: str, text: str) -> None:
    """BadBlockFile for the code of that file, if it is no Python."""
    if fault := source.read(text).fault:
        shown = f": {fault.code}" if fault.code else ""
        raise errors.BadBlockFile(file=document.place(file, fault.line), why=f"{fault.why}{shown}")


def _warner(warnings: list[str]) -> Callable[[Field, str], None]:
    return lambda field, why: warnings.append(f"{field.refused(why).field}: {why}")


def _warn_dates(written: document.Document, warnings: list[str]) -> None:
    """Only of those that user code would see: the format's own times are of no interest to it."""
    for path in written.dates:
        if path[0] == "variables" or "configuration" in path:
            _warner(warnings)(Field(None, path), "this is a date; blocks are given it as text")


def _warn_remote(whole: Field, warnings: list[str]) -> None:
    executor = whole.at("executor_type").text()
    if executor and executor not in blocks.LOCAL_EXECUTORS:
        _warner(warnings)(whole.at("executor_type"), f"{executor} is not set up here; the pipeline runs locally")
