"""Remote: tables in an object store, which Delta Lake's library writes by itself."""

from importlib import import_module
from typing import Any

from headrace.datasets.staging import Rows, Staged
from headrace.datasets.types import quoted
from headrace.model.dataset import WriteMode


def write(table: Any, staged: Staged, rows: Rows, mode: WriteMode, told: Any) -> None:
    """One commit on the version that `table` is at, with these properties."""
    reader = (
        import_module("pyarrow.dataset").dataset([str(path) for path in staged.files], schema=rows.schema).scanner()
    )
    if mode is WriteMode.UPSERT and any(file.rows for file in rows.files.values()):  # of none it makes no commit
        _merge(table, reader.to_reader(), staged, told)
        return
    replaces = mode is WriteMode.REPLACE
    import_module("deltalake").write_deltalake(
        table,
        reader.to_reader(),
        mode="overwrite" if replaces else "append",
        schema_mode="overwrite" if replaces else None,
        commit_properties=told,
    )


def _merge(table: Any, reader: Any, staged: Staged, told: Any) -> None:
    same = " AND ".join(f"old.{quoted(key)} = new.{quoted(key)}" for key in staged.keys)
    merging = table.merge(reader, same, source_alias="new", target_alias="old", commit_properties=told)
    merging.when_matched_update_all().when_not_matched_insert_all().execute()
