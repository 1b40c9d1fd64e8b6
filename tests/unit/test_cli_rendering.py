"""Amounts, tables and sentences of the command line."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from headrace.cli import excerpts, quantities, tables
from headrace.cli.tables import Column
from headrace.operations import reasons


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (None, ""),
        (-0.5, "0 ms"),
        (0.0123, "12 ms"),
        (0.9996, "1.00 s"),
        (1.239, "1.24 s"),
        (59.996, "1 min 00 s"),
        (184.2, "3 min 04 s"),
        (3599.6, "1 h 00 min"),
        (7500, "2 h 05 min"),
        (4_000_000, "1,111 h 07 min"),
    ],
)
def test_duration(seconds: float | None, shown: str) -> None:
    assert quantities.duration(seconds) == shown


@given(st.floats(0, 1e7))
def test_a_duration_never_shows_sixty(seconds: float) -> None:
    assert not {"60", "1000"} & set(quantities.duration(seconds).split())


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        (0, "0 B"),
        (1023, "1,023 B"),
        (1024, "1.0 KiB"),
        (10 * 2**20, "10 MiB"),
        (2**20 - 1, "1.0 MiB"),
        (2**50, "1,024 TiB"),
    ],
)
def test_size(number: int, shown: str) -> None:
    assert quantities.size(number) == shown


def test_counts() -> None:
    assert quantities.count(336776) == "336,776"
    assert quantities.counted(1, "block") == "1 block"
    assert quantities.counted(1200, "block") == "1,200 blocks"


def test_columns_align_in_any_script_and_style() -> None:
    columns = (Column("name"), Column("rows", right=True), Column("remark"))
    rows = [("日本", "1,000", ""), (click.style("ok", fg="green"), "7", "done")]
    shown = [click.unstyle(line) for line in tables.render(columns, rows).splitlines()]
    assert shown == ["name   rows  remark", "日本  1,000", "ok        7  done"]


def test_an_empty_column_is_left_out_unless_always_shown() -> None:
    rows = [("a", "", "")]
    shown = tables.render((Column("name"), Column("gone"), Column("kept", always=True)), rows)
    assert click.unstyle(shown) == "name  kept\na"


cells = st.text(st.characters(codec="utf-8"), max_size=60)


@given(st.lists(st.tuples(cells, cells), max_size=5), st.integers(30, 80))
def test_a_table_fits_its_width_a_line_for_each_row(rows: list[tuple[str, str]], width: int) -> None:
    plain = [(tables.bare(one), tables.bare(other)) for one, other in rows]
    columns = (Column("one", cuts=True, always=True), Column("other", cuts=True, always=True))
    lines = tables.render(columns, plain, width).split("\n")
    assert len(lines) == len(rows) + 1
    assert all(tables.span(line) <= width for line in lines)


@given(st.text())
def test_text_of_others_cannot_steer_the_terminal(text: str) -> None:
    assert tables.bare("\x1b[2J\x1b]0;title\x07\r" + text).isprintable()


def test_reasons_are_words_and_blocks_keep_their_names() -> None:
    assert reasons.in_words("timed_out") == "the block ran longer than its timeout"
    assert reasons.in_words("load_flights failed") == "load_flights failed"
    assert reasons.in_words("load_flights upstream_failed") == "load_flights was not run"
    assert reasons.in_words("some_new_reason") == "some new reason"


def test_a_long_text_is_shown_in_part_and_says_so() -> None:
    assert excerpts.lines("", "all") == [""]
    assert excerpts.lines("one\ntwo\x1b[2J", "all") == ["one", "two"]
    assert excerpts.lines("z" * excerpts.CHARACTERS, "all") == ["z" * excerpts.CHARACTERS]
    for long, shown in (("z" * 3_000_000, ["z" * excerpts.CHARACTERS]), ("z\n" * 30, ["z"] * excerpts.LINES)):
        *begin, last = excerpts.lines(long, "all")
        assert begin == shown
        assert click.unstyle(last) == "… `all` has all of it"
