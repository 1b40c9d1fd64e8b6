"""What lies at a path or URL, with what tells that it has changed; and what goes wrong is not taken for nothing."""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import fsspec
import pytest

from headrace.engine import listing


@pytest.fixture
def memory() -> Iterator[Any]:
    system = fsspec.filesystem("memory")
    yield system
    system.rm("/", recursive=True)


def write(path: Path, text: str = "x", at: float = 1_700_000_000.5) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, (at, at))
    return path


def test_a_pattern_finds_files_below_the_projects_folder(tmp_path: Path) -> None:
    a = write(tmp_path / "in/a.csv", "abc")
    write(tmp_path / "in/b.txt")
    deep = write(tmp_path / "in/deep/c.csv")
    (tmp_path / "in/folder.csv").mkdir()
    found = listing.read("in/*.csv", tmp_path)
    assert list(found) == [str(a)]
    assert found[str(a)].size == 3
    assert found[str(a)].modified == datetime.fromtimestamp(1_700_000_000.5, UTC)
    assert set(listing.read("in/**/*.csv", tmp_path)) == {str(a), str(deep)}


def test_a_path_that_is_absolute_is_taken_as_it_is(tmp_path: Path) -> None:
    a = write(tmp_path / "in/a.csv")
    assert list(listing.read(str(a), tmp_path / "elsewhere")) == [str(a)]
    assert list(listing.read(f"{tmp_path}/in/?.csv", tmp_path / "elsewhere")) == [str(a)]


def test_the_projects_folder_may_be_named_like_a_pattern(tmp_path: Path) -> None:
    a = write(tmp_path / "mill [1]*/in/a.csv")
    write(tmp_path / "mill 1/in/a.csv")
    assert list(listing.read("in/*.csv", tmp_path / "mill [1]*")) == [str(a)]
    assert list(listing.read("in/a.csv", tmp_path / "mill [1]*")) == [str(a)]


def test_a_file_that_is_not_there_is_no_error(tmp_path: Path) -> None:
    assert listing.read("in/a.csv", tmp_path) == {}
    (tmp_path / "in").mkdir()
    assert listing.read("in/*.csv", tmp_path) == {}


def test_a_folder_that_cannot_be_looked_into_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        listing.read("in/*.csv", tmp_path)
    write(tmp_path / "in")
    with pytest.raises(NotADirectoryError):
        listing.read("in/*.csv", tmp_path)


@pytest.mark.parametrize(("text", "at"), [("abcd", 1_700_000_000.5), ("abc", 1_700_000_000.75)])
def test_a_file_that_has_changed_is_told_by_its_size_or_its_time(tmp_path: Path, text: str, at: float) -> None:
    path = write(tmp_path / "a.csv", "abc")
    before = listing.read("a.csv", tmp_path)
    assert listing.read("a.csv", tmp_path) == before
    write(path, text, at)
    assert listing.read("a.csv", tmp_path) != before


def test_an_object_is_found_by_its_url(memory: Any, tmp_path: Path) -> None:
    memory.pipe("/bucket/in/a.csv", b"abc")
    memory.pipe("/bucket/in/b.txt", b"abc")
    found = listing.read("memory://bucket/in/*.csv", tmp_path)
    assert {path: each.size for path, each in found.items()} == {"memory:///bucket/in/a.csv": 3}
    assert listing.read("memory://bucket/in/a.csv", tmp_path) == found
    assert listing.read("memory://bucket/in/c.csv", tmp_path) == {}
    memory.pipe("/bucket/in/a.csv", b"abd")
    assert listing.read("memory://bucket/in/*.csv", tmp_path) != found


@pytest.mark.parametrize("url", ["nowhere://bucket/a", "dropbox://bucket/*"])
def test_a_file_system_that_nobody_knows_or_has_installed_is_an_error(tmp_path: Path, url: str) -> None:
    with pytest.raises((ValueError, ImportError)):
        listing.read(url, tmp_path)


@pytest.mark.parametrize(
    ("info", "stamp"),
    [
        ({"ETag": '"abc"', "LastModified": datetime(2026, 3, 1, tzinfo=UTC)}, '2026-03-01T00:00:00+00:00 "abc"'),
        ({"last_modified": datetime(2026, 3, 1)}, "2026-03-01T00:00:00+00:00"),
        ({"updated": "2026-03-01T01:00:00+01:00", "etag": "e"}, "2026-03-01T00:00:00+00:00 e"),
        ({"mtime": 0}, "1970-01-01T00:00:00+00:00"),
        ({"modified": "yesterday"}, ""),
        ({"ETag": None}, ""),
    ],
)
def test_a_change_is_told_by_whatever_a_file_system_says_of_it(info: dict[str, Any], stamp: str) -> None:
    assert listing._found({"size": 1, **info}).stamp == stamp
