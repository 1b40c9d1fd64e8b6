"""Tables in an object store that speaks S3: what holds of those in folders holds of them."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from tests.datasets.conftest import Writer
from tests.datasets.test_crowds import Crowd, is_whole
from tests.s3 import Server

from headrace import errors
from headrace.datasets import cleaning, committing, tables, voiding

MAKING = "_delta_log/00000000000000000000.json"  # what makes a table, as long as nothing is in it
FIRST = "_delta_log/00000000000000000001.json"  # what makes the first version that an attempt has written


@pytest.fixture
def place(bucket: str) -> str:
    return f"{bucket}/tables of ours/sales"


@pytest.fixture
def beside() -> Iterator[ThreadPoolExecutor]:
    """Where something is done while the test goes on."""
    with ThreadPoolExecutor(1) as threads:
        yield threads


def test_versions_are_written_and_each_is_read_as_it_was(writer: Writer) -> None:
    writer.write({"id": [1, 2], "v": ["a", None]})
    writer.write({"id": [3], "v": ["c"]}, "append")
    third = writer.write({"id": [2, 4], "v": ["B", "D"]}, "upsert", ["id"])
    assert (third.version, third.rows, third.found) == (3, 4, False)
    assert [row["v"] for row in writer.rows(3)] == ["a", "B", "c", "D"]
    assert [row["v"] for row in writer.rows(2)] == ["a", None, "c"]
    with pytest.raises(errors.DatasetRefused, match="its column v is string and was given as int64"):
        writer.write({"id": [5], "v": [5]}, "append")


def test_what_the_store_says_is_told_in_one_line(writer: Writer) -> None:
    writer.place = "s3://no-bucket-of-ours/sales"
    with pytest.raises(errors.DatasetUnwritable, match="NoSuchBucket") as unwritable:
        writer.write({"a": [1]})
    with pytest.raises(errors.DatasetUnreadable, match="NoSuchBucket") as unreadable:
        writer.rows(1)
    assert all(str(each.value).isprintable() for each in (unwritable, unreadable)), "no colours, no line breaks"


def test_of_all_that_write_at_once_nothing_is_lost(tmp_path: Path, bucket: str) -> None:
    """Two of them write the same attempts as well, as an engine does that is taken for dead and lives."""
    crowd = Crowd(tmp_path)
    crowd.place = f"{bucket}/table"
    both = ["both-1", "both-2"]
    writers = [crowd.start(name, [f"{name}-1", f"{name}-2", *both]) for name in "ab"]
    told = [crowd.told(each) for each in writers]
    assert {name: told[0][name] for name in both} == {name: told[1][name] for name in both}
    is_whole(crowd, {attempt: version for each in told for attempt, (version, _) in each.items()})


def test_a_commit_whose_answer_was_lost_is_there_once(writer: Writer, s3_server: Server) -> None:
    staged = writer.stage(pa.table({"a": [1]}), "append")
    s3_server.keep_back(FIRST, done=True)
    s3_server.let_go(lost=True)
    assert committing.commit(writer.place, staged).version == 1
    assert committing.commit(writer.place, staged).found
    assert writer.rows(tables.find(writer.place).version()) == [{"a": 1}]


def test_of_two_that_decide_on_one_version_the_later_is_decided_anew(
    writer: Writer, s3_server: Server, beside: ThreadPoolExecutor
) -> None:
    s3_server.keep_back(FIRST, done=False)
    slow = beside.submit(writer.write, {"a": [1]}, "append")
    s3_server.wait_until_kept()
    assert writer.write({"a": [2]}, "append").version == 1
    s3_server.let_go()
    assert slow.result().version == 2
    assert (writer.rows(1), writer.rows(2)) == ([{"a": 2}], [{"a": 1}, {"a": 2}])


def test_of_two_that_make_a_table_at_once_the_later_leaves_it_as_it_is(
    writer: Writer, s3_server: Server, beside: ThreadPoolExecutor
) -> None:
    s3_server.keep_back(MAKING, done=False)
    slow = beside.submit(writer.write, {"a": [1]}, "append")
    s3_server.wait_until_kept()
    assert writer.write({"a": [2]}, "append").version == 1
    s3_server.let_go()
    assert slow.result().version == 2
    assert writer.rows(2) == [{"a": 1}, {"a": 2}]


def test_what_is_on_its_way_when_its_attempt_is_made_void_never_comes(
    writer: Writer, s3_server: Server, beside: ThreadPoolExecutor
) -> None:
    staged = writer.stage(pa.table({"a": [1]}), "append")
    s3_server.keep_back(FIRST, done=False)
    late = beside.submit(voiding.commit, writer.place, staged)
    s3_server.wait_until_kept()
    assert voiding.void(writer.place, staged) is None
    s3_server.let_go()
    with pytest.raises(errors.DatasetRefused, match="that they are not committed was settled before"):
        late.result()
    assert writer.write({"a": [2]}, "append").version == 2, "the mark is a version of the table"
    assert writer.rows(2) == [{"a": 2}]


def test_a_table_may_begin_where_one_that_was_lost_has_ended(writer: Writer) -> None:
    committing.begin(writer.place, 7)
    assert [writer.write({"a": [number]}, "append").version for number in (1, 2)] == [8, 9]
    assert (writer.rows(8), writer.rows(9)) == ([{"a": 1}], [{"a": 1}, {"a": 2}])


def test_what_no_version_needs_goes_and_the_others_are_as_they_were(
    writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(1, 5):
        writer.write({"a": [number]})
    assert cleaning.vacuum(writer.place, [2, 4], dry=False) == 0, "who reads them may just have begun"
    monkeypatch.setattr(cleaning, "SPARED_HOURS", 0)
    assert cleaning.vacuum(writer.place, [2, 4], dry=True) == 2
    assert [writer.rows(version) for version in (1, 3)] == [[{"a": 1}], [{"a": 3}]]
    assert cleaning.vacuum(writer.place, [2, 4], dry=False) == 2
    assert [writer.rows(version) for version in (2, 4)] == [[{"a": 2}], [{"a": 4}]]
    for version in (1, 3):
        with pytest.raises(errors.DatasetUnreadable):
            writer.rows(version)
    assert writer.rows(writer.write({"a": [5]}, "append").version) == [{"a": 4}, {"a": 5}]


def test_what_a_commit_has_left_that_never_came_goes_once_it_is_old(
    writer: Writer, s3_server: Server, beside: ThreadPoolExecutor
) -> None:
    s3_server.keep_back(FIRST, done=False)
    staged = writer.stage(pa.table({"a": [1]}), "append")
    late = beside.submit(voiding.commit, writer.place, staged)
    s3_server.wait_until_kept()
    voiding.void(writer.place, staged)
    writer.write({"a": [2]})
    assert cleaning.vacuum(writer.place, [2], dry=True) == 0, "it may be of a commit that is under way"
    s3_server.let_go()
    assert late.exception()
    s3_server.age(timedelta(hours=2))
    assert cleaning.vacuum(writer.place, [2], dry=False) == 1
    assert writer.rows(2) == [{"a": 2}]
