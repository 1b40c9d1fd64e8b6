"""Steps as they are written in a pipeline's metadata.yaml: what queries read and write, and how; what jobs write."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from headrace import errors
from headrace.model import dataset, steps, transfer
from headrace.model.dataset import WriteMode
from headrace.model.pipeline import Block, Language
from headrace.model.transfer import Transfer
from headrace.project import document, queries, transfers
from headrace.project.fields import Field

_MOVING = (  # pandas, because pyarrow imports it where it is there
    *("duckdb", "fsspec", "pandas", "psycopg", "pyarrow", "pyarrow.compute", "pyarrow.csv", "pyarrow.parquet"),
    *("pyarrow.pandas_compat", "pyarrow.vendored.version", "yaml"),
)
_IDENTIFIER = "the column that identifies a row, or a list of columns"


class Datasets(NamedTuple):
    """The datasets, by name, that a block reads and writes."""

    reads: tuple[str, ...] = ()
    writes: tuple[str, ...] = ()


def read(written: Field, language: Language, file: str | None, text: str | None) -> Datasets:
    """What the block's query reads and its configuration says; nothing of a block that is no step.

    Raises Wrong at the field that is not what a step has there, BadBlockFile for a text that is no query of this step.
    """
    configuration = written.at("configuration")
    if language is Language.YAML and configuration.at("job_type").value == transfer.JOB_TYPE:
        return Datasets(writes=_moved(configuration, file or "", text))
    if language is not Language.SQL or configuration.at("output_datasets").value is None:
        return Datasets()
    writes = tuple(_names(configuration.at("output_datasets")))
    if len(writes) != 1:
        raise configuration.at("output_datasets").wrong("one dataset: what a step writes")
    _check_mode(configuration)
    return Datasets(() if text is None else _reads(configuration, file or "", text), writes)


def _moved(configuration: Field, file: str, text: str | None) -> tuple[str, ...]:
    """The dataset that a job writes, as its file says; what its configuration says of that is the same, or refused."""
    listed = configuration.at("output_datasets")
    declared = tuple(_names(listed))
    writes = declared if text is None else _job(file, text).writes
    if listed.value is not None and declared != writes:
        raise listed.wrong(f"what its file says: {', '.join(writes) or 'no dataset'}")
    return writes


def _job(file: str, text: str) -> Transfer:
    """BadBlockFile."""
    try:
        return transfers.read(text, file)
    except errors.BadField as error:
        raise errors.BadBlockFile(file=file, why=str(error).rstrip(".")) from None


def _names(listed: Field) -> Iterator[str]:
    """The datasets of a list, each written as its name or as a mapping with a `name`."""
    for each in listed.items():
        name = each.at("name") if isinstance(each.value, dict) else each
        if not isinstance(name.value, str):
            raise name.wrong("the name of a dataset, as text")
        try:
            yield dataset.check(name.value)
        except errors.BadDatasetName as error:
            raise name.refused(str(error)) from None


def _check_mode(configuration: Field) -> None:
    mode, identifier = configuration.at("write_mode"), configuration.at("row_unique_identifier")
    if mode.value not in (None, *WriteMode):
        raise mode.wrong(f"one of {', '.join(WriteMode)}")
    keys: tuple[Any, ...] = steps.keys(configuration.mapping())
    if not all(isinstance(each, str) and each for each in keys):
        raise identifier.wrong(_IDENTIFIER)
    if configuration.at("template").value not in (None, True, False):
        raise configuration.at("template").wrong("true or false: whether the query has variables")
    if mode.value == WriteMode.UPSERT and not keys:
        raise identifier.wrong(f"{_IDENTIFIER}: rows are updated by it")


def _reads(configuration: Field, file: str, text: str) -> tuple[str, ...]:
    """The input datasets, declared or else as the query names them."""
    listed = configuration.at("input_datasets")
    declared = None if listed.value is None else tuple(dict.fromkeys(_names(listed)))
    if queries.is_template(text, configuration.mapping()):
        if declared is None:
            raise listed.wrong("the datasets that the query reads: it has variables, so it cannot tell by itself")
        return declared
    try:
        tables = queries.read(text).tables
        queries.refuse_undeclared(tables, declared)
    except queries.NotAQuery as error:
        raise errors.BadBlockFile(file=document.place(file, *error.place or ()), why=str(error)) from None
    return tuple(table.name for table in tables) if declared is None else declared


def imports(blocks: Sequence[Block]) -> tuple[str, ...]:
    """The libraries that running the steps and jobs among the blocks takes, and handing over what they have found."""
    stepping = {block.uuid for block in blocks if block.reads or block.writes}
    given = {name for block in blocks if block.uuid not in stepping for name in block.upstream}
    frames = ("pandas", "pyarrow.parquet") if stepping & given else ()
    moving = _MOVING if any(block.is_transfer for block in blocks) else ()
    return (*(("deltalake", "duckdb") if stepping else ()), *frames, *moving)


def join(read: Sequence[tuple[Field, Block]], settled: Sequence[Block]) -> tuple[Block, ...]:
    """The blocks, those that read a dataset below the one that writes it. Raises Wrong where two write one."""
    fields = {block.uuid: written for written, block in read}
    for clash in steps.clashes(settled):
        written = fields[clash.second].at("configuration").at("output_datasets")
        raise written.refused(
            f"{clash.dataset!r} is written by the block {clash.first!r} too; a dataset has one writer"
        )
    return steps.joined(settled)
