from datetime import UTC, datetime
from pathlib import Path

import pytest

from headrace.logs import lines, reading
from headrace.logs.lines import Line

AT = datetime(2026, 3, 1, 12, 30, tzinfo=UTC)


def append(path: Path, *messages: str, level: str = "INFO") -> None:
    with path.open("ab") as file:
        file.writelines(lines.encode(Line(AT, level, "stdout", message)) for message in messages)


def messages(found: reading.Page) -> list[str]:
    return [line.message for line in found.lines]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "1.log"


@pytest.mark.parametrize("missing", ["none", "file/below"])
def test_a_missing_file_has_no_lines(tmp_path: Path, missing: str):
    (tmp_path / "file").write_text("")
    path = tmp_path / missing
    assert list(reading.read(path)) == []
    assert reading.page(path) == reading.tail(path, 5) == reading.Page((), 0, more=False)


def test_pages_follow_each_other_and_go_on_when_the_file_grows(path: Path):
    append(path, *"abcde")
    first = reading.page(path, limit=2)
    second = reading.page(path, first.cursor, limit=3)
    assert (messages(first), first.more) == (["a", "b"], True)
    assert (messages(second), second.more) == (["c", "d", "e"], False)
    assert reading.page(path, second.cursor) == reading.Page((), second.cursor, more=False)
    append(path, "f")
    assert messages(reading.page(path, second.cursor)) == ["f"]


def test_a_line_being_written_is_shown_once_it_has_ended(path: Path):
    append(path, "a")
    whole = lines.encode(Line(AT, "INFO", "stdout", "b"))
    with path.open("ab") as file:
        file.write(whole[:20])
    found = reading.page(path)
    assert messages(found) == messages(reading.tail(path, 5)) == ["a"]
    with path.open("ab") as file:
        file.write(whole[20:])
    assert messages(reading.page(path, found.cursor)) == ["b"]


def test_what_is_no_line_is_passed_over(path: Path):
    append(path, "a")
    with path.open("ab") as file:
        file.write(b'{"at": "20\n\n\xff\n')
    append(path, "b")
    assert [line.message for line in reading.read(path)] == ["a", "b"]
    assert messages(reading.page(path, after=3)) == ["b"]  # a cursor that is within a line


def test_lines_are_chosen_by_level_and_text(path: Path):
    append(path, "Straße one", "two")
    append(path, "three", "STRASSE four", level="ERROR")
    assert [line.message for line in reading.read(path, levels=["ERROR"])] == ["three", "STRASSE four"]
    assert [line.message for line in reading.read(path, text="strasse")] == ["Straße one", "STRASSE four"]
    assert [line.message for line in reading.read(path, levels={"ERROR"}, text="t", limit=1)] == ["three"]
    first = reading.page(path, limit=1, text="strasse")
    assert first.more
    assert messages(reading.page(path, first.cursor, text="strasse")) == ["STRASSE four"]


def test_only_as_much_is_read_as_was_asked_for(path: Path):
    append(path, "a", "b")
    with path.open("ab") as file:
        file.truncate(2**40)  # a terabyte of nothing: whoever reads on does not come back
    assert [line.message for line in reading.read(path, limit=1)] == ["a"]
    assert messages(reading.page(path, limit=1)) == ["a"]


@pytest.mark.parametrize("count", [0, 1, 2, 1999, 2000, 2001, 5000])
def test_the_tail_is_the_last_lines(path: Path, count: int):
    every = [f"{number} " + "x" * (number % 150) for number in range(2000)]
    append(path, *every)
    found = reading.tail(path, count)
    assert messages(found) == every[max(0, 2000 - count) :]
    append(path, "next")
    assert messages(reading.page(path, found.cursor)) == ["next"]


def test_the_tail_of_a_long_log_does_not_read_what_is_before(path: Path):
    with path.open("wb") as file:
        file.truncate(2**40)
        file.seek(0, 2)
        file.write(b"\n")
    append(path, "a", "b", "c")
    assert messages(reading.tail(path, 2)) == ["b", "c"]
