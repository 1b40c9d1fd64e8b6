"""Batches: rows on their way, some megabytes at a time, as Arrow has them."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Context, Decimal
from importlib import import_module
from typing import Any

from headrace import errors
from headrace.worker.transfer import columns as kinds
from headrace.worker.transfer.columns import Column, Kind

pa: Any = import_module("pyarrow")
pc: Any = import_module("pyarrow.compute")

Row = Sequence[Any]
Batch = Any  # a pyarrow.RecordBatch, of which type checkers know nothing

AIM = 8 * 2**20  # bytes of a batch, roughly
MOST = 50_000  # rows of one
PIECE = AIM // 4  # bytes of what is asked for at once, roughly
FIRST = 200  # rows that are asked for at first, which tells how large one is
ASKED = 1000  # rows that are asked for at once: those that come may be far larger than those before them


def of_rows(fetch: Callable[[int], Sequence[Row]], columns: Sequence[Column]) -> Iterator[Batch]:
    """What `fetch` gives, asked for so many rows at a time until there are none."""
    held: list[Batch] = []
    for piece in _pieces(fetch, columns):
        held.append(piece)
        if _is_full(held):
            yield pa.concat_batches(held)
            held.clear()
    if held:
        yield pa.concat_batches(held)


def _pieces(fetch: Callable[[int], Sequence[Row]], columns: Sequence[Column]) -> Iterator[Batch]:
    """Each of so many rows as are no more than a piece if they are as wide as those before."""
    count = FIRST
    while rows := fetch(count):
        piece = _batch(rows, columns)
        count = max(1, min(ASKED, PIECE * piece.num_rows // max(1, piece.nbytes)))
        yield piece


def _is_full(pieces: Sequence[Batch]) -> bool:
    return sum(each.nbytes for each in pieces) >= AIM or sum(each.num_rows for each in pieces) >= MOST


def conformed(found: Iterable[Batch], columns: Sequence[Column]) -> Iterator[Batch]:
    """Those batches with the types of these columns. LoadFailed for a value that is none of its column's."""
    for batch in found:
        arrays = [_cast(array, column) for array, column in zip(batch.columns, columns, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=kinds.schema(columns))


def refuse_null(batch: Batch, keys: Sequence[str]) -> None:
    """LoadFailed where a row lacks a key: it could not be found again."""
    for key in keys:
        if batch.column(key).null_count:
            raise errors.LoadFailed(what=f"The column {key}", why="it is a primary key of the job, and has NULL in it")


def _batch(rows: Sequence[Row], columns: Sequence[Column]) -> Batch:
    values = zip(*rows, strict=True)
    arrays = [_array(each, column) for each, column in zip(values, columns, strict=True)]
    return pa.RecordBatch.from_arrays(arrays, schema=kinds.schema(columns))


def _array(values: Sequence[Any], column: Column) -> Any:
    try:
        return pa.array(values, column.arrow)
    except (pa.ArrowInvalid, pa.ArrowTypeError, ValueError, TypeError, OverflowError) as error:
        raise _unfit(column, error) from None


def _cast(array: Any, column: Column) -> Any:
    if column.kind is Kind.NUMERIC and pa.types.is_string(array.type) and not column.is_loose:
        return _numbers(array, column)
    try:
        return pc.cast(array, column.arrow)
    except pa.ArrowInvalid as error:
        raise _unfit(column, error) from None


def _numbers(array: Any, column: Column) -> Any:
    """Numbers out of their texts, rounded to the digits that the column has; Arrow's own cast lets some overflow."""
    digits, rounding = Context(prec=column.precision), Decimal(1).scaleb(-(column.scale or 0))
    try:
        values = [
            None if text is None else Decimal(text).quantize(rounding, context=digits) for text in array.to_pylist()
        ]
    except ArithmeticError:
        raise _unfit(column, OverflowError(f"more than {column.precision} digits")) from None
    return _array(values, column)


def _unfit(column: Column, error: Exception) -> errors.LoadFailed:
    why = f"it has a value that is none of the type {column.native or column.kind} ({str(error).splitlines()[0]:.200})"
    return errors.LoadFailed(what=f"The column {column.name}", why=why)
