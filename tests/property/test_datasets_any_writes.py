"""Any writes, in any order, each tried once or more: every version has just the rows that a plain list would have."""

import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from headrace import identity
from headrace.datasets import committing, compacting, reading
from headrace.datasets.committing import Staged
from headrace.model.dataset import WriteMode

Rows = list[tuple[int, str | None]]
NOW = datetime.now(UTC)

values = st.none() | st.text(max_size=3)
rows = st.lists(st.tuples(st.integers(0, 9), values), max_size=5)
alone = st.lists(st.tuples(st.integers(0, 9), values), max_size=5, unique_by=lambda row: row[0])
writes = st.lists(
    st.tuples(st.sampled_from([WriteMode.REPLACE, WriteMode.APPEND]), rows, st.integers(1, 2))
    | st.tuples(st.just(WriteMode.UPSERT), alone, st.integers(1, 2))
    | st.tuples(st.none(), st.just(list[tuple[int, str | None]]()), st.just(1)),  # small files are merged
    min_size=1,
    max_size=6,
)


def after(before: Rows, mode: WriteMode, new: Rows) -> Rows:
    """What there is once the new rows are written."""
    if mode is WriteMode.REPLACE:
        return new
    gone = {key for key, _ in new} if mode is WriteMode.UPSERT else set[int]()
    return [row for row in before if row[0] not in gone] + new


@settings(max_examples=10, deadline=None)
@given(writes)
def test_every_version_has_the_rows_that_a_list_would_have(those: list[tuple[WriteMode | None, Rows, int]]) -> None:
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(compacting, "FEW", 2)
        versions: list[Rows] = [[]]
        for mode, new, tries in [*those, (None, list[tuple[int, str | None]](), 1)]:
            if mode is None:
                versions += [versions[-1]] * merge(f"{folder}/table", len(versions) - 1)
                continue
            staged = stage(Path(folder, f"{len(versions)}.parquet"), mode, new)
            versions.append(after(versions[-1], mode, new))
            for time in range(tries):
                done = committing.commit(f"{folder}/table", staged)
                assert (done.version, done.rows, done.found) == (len(versions) - 1, len(versions[-1]), time > 0)
        for version, expected in enumerate(versions[1:], 1):
            assert sorted(read(f"{folder}/table", version), key=repr) == sorted(expected, key=repr)


def merge(place: str, version: int) -> int:
    """How many versions the merging of small files has made."""
    found = compacting.plan(place, version) if version else None
    if found is None:
        return 0
    list(found.copy())
    return int(found.commit(identity.new(), NOW) is not None)


def stage(file: Path, mode: WriteMode, new: Rows) -> Staged:
    table = pa.table(
        {"id": pa.array([key for key, _ in new], pa.int64()), "v": pa.array([v for _, v in new], pa.string())}
    )
    pq.write_table(table, file)
    return Staged(attempt=file.stem, files=[file], mode=mode, keys=("id",), at=NOW)


def read(place: str, version: int) -> Rows:
    return [(row["id"], row["v"]) for row in reading.page(place, version, 0, 1000).to_pylist()]
