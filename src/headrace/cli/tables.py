"""Tables of text: columns that align, in any script, within the width there is."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import click

GAP = "  "
SHORTEST = 8  # what a column is not cut below


@dataclass(frozen=True, slots=True)
class Column:
    """`right` aligns its cells to the right; `cuts` allows them to be cut where the table is too wide.

    A column with nothing in it is left out, unless it is to be shown `always`.
    """

    title: str
    right: bool = False
    cuts: bool = False
    always: bool = False


def render(columns: Sequence[Column], rows: Sequence[Sequence[str]], width: int | None = None) -> str:
    """The table, with a line of titles where there are any.

    Cells may be styled. With a `width`, those of columns that `cuts` are cut until the table fits, the widest first.
    """
    used = [n for n, column in enumerate(columns) if column.always or any(row[n] for row in rows)]
    shown = [columns[n] for n in used]
    cells = [[plain(row[n]) for n in used] for row in rows]
    if any(column.title for column in shown):
        cells.insert(0, [click.style(column.title, dim=True) if column.title else "" for column in shown])
    widths = [max((span(row[n]) for row in cells), default=0) for n in range(len(shown))]
    fit(widths, [column.cuts for column in shown], width)
    return "\n".join(_line(row, shown, widths) for row in cells)


def fit(widths: list[int], cuts: Sequence[bool], width: int | None) -> None:
    """Narrows the columns that may be cut, the widest first, until all of them fit in `width`."""
    over = sum(widths) + len(GAP) * (len(widths) - 1) - width if width else 0
    while over > 0:
        found = [n for n, may in enumerate(cuts) if may and widths[n] > SHORTEST]
        if not found:
            return
        widest = max(found, key=widths.__getitem__)
        widths[widest] -= 1
        over -= 1


def span(text: str) -> int:
    """How many columns of a terminal the text takes, styles apart."""
    bare = click.unstyle(text)
    return len(bare) if bare.isascii() else sum(map(_cells, bare))


def cut(text: str, width: int) -> str:
    """The text within that many columns; where something is left out, an ellipsis says so, and styles go."""
    if span(text) <= width:
        return text
    room, text = width - 1, click.unstyle(text)
    for place, character in enumerate(text):
        room -= _cells(character)
        if room < 0:
            return text[:place] + "…"
    return text


def plain(text: str) -> str:
    """The text on one line and without what would steer a terminal; styles stay."""
    return "".join(_shown(character) for character in text) if not text.isprintable() else text


def bare(text: str) -> str:
    """As `plain`, for text of others: its styles go as well."""
    return plain(click.unstyle(text).replace("\x1b", "�"))


def _shown(character: str) -> str:
    if character in "\n\r\t":
        return " "
    if character.isprintable() or character == "\x1b":
        return character
    return "�"


def _cells(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _line(cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int]) -> str:
    return GAP.join(_aligned(*each) for each in zip(cells, columns, widths, strict=True)).rstrip()


def _aligned(cell: str, column: Column, width: int) -> str:
    text = cut(cell, width) if column.cuts and span(cell) > width else cell
    room = " " * (width - span(text))
    return room + text if column.right else text + room
