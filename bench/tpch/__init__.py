"""TPC-H: its eight tables as datasets, its 22 questions as steps of one pipeline, and what DuckDB itself answers.

The questions are those of the specification with its validation parameters, in words of our own.
"""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from headrace import clock, identity
from headrace.app import App
from headrace.datasets import committing, names
from headrace.datasets.committing import Staged
from headrace.model.dataset import WriteMode
from headrace.store.written import Written

TABLES = ("nation", "region", "part", "supplier", "partsupp", "customer", "orders", "lineitem")
QUERIES = {file.stem: file.read_text() for file in sorted(Path(__file__).parent.glob("q*.sql"))}


def generate(folder: Path, scale: float) -> dict[str, Path]:
    """The tables at that scale (1 is about a gigabyte), each in a Parquet file."""
    command = [Path(sys.executable).with_name("tpchgen-cli"), "parquet", "-s", str(scale), "--output-dir", folder]
    subprocess.run(command, check=True, capture_output=True)
    return {name: folder / f"{name}.parquet" for name in TABLES}


def enter(app: App, files: Mapping[str, Path]) -> None:
    """Each table becomes the first version of a dataset of the home."""
    for name, file in files.items():
        at = clock.now()
        dataset = app.store.datasets.ensure(name, names.location(app.settings.datasets, name), at)
        staged = Staged(attempt=identity.new(), files=[file], mode=WriteMode.REPLACE, at=at)
        done = committing.commit(names.absolute(app.settings.home, dataset.location), staged)
        app.store.datasets.written(
            Written(
                dataset=name,
                version=done.version,
                operation=staged.mode,
                rows=done.rows,
                bytes=done.bytes,
                schema=done.schema,
                at=at,
            )
        )


def write(folder: Path, at_once: int) -> Path:
    """A project whose pipeline `tpch` has a step for each question; so many of them run at once."""
    steps = [
        f"- {{uuid: {name}, type: transformer, language: sql, configuration: {{output_datasets: [{name}]}}}}"
        for name in QUERIES
    ]
    (folder / "pipelines/tpch").mkdir(parents=True)
    (folder / "transformers").mkdir()
    limit = f"concurrency_config: {{block_run_limit: {at_once}}}"
    (folder / "pipelines/tpch/metadata.yaml").write_text("\n".join([limit, "blocks:", *steps, ""]))
    for name, query in QUERIES.items():
        (folder / f"transformers/{name}.sql").write_text(query)
    return folder


def opened(files: Mapping[str, Path]) -> Any:
    """A database that reads the files."""
    connection = duckdb.connect()
    for name, file in files.items():
        connection.read_parquet(str(file)).create_view(name)
    return connection


def rows(file: Path) -> Sequence[tuple[Any, ...]]:
    """What a step has found."""
    with duckdb.connect() as connection:
        return connection.read_parquet(str(file)).fetchall()
