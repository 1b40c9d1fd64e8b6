"""Values: what blocks left behind, looked at by others than blocks."""

import contextlib
from collections.abc import Generator, Iterator

from headrace import errors, outputs
from headrace.app import App
from headrace.model.output import CLEANED, Output
from headrace.operations import runs
from headrace.outputs import Head, crossing, tables

LARGEST = 16 * 2**20  # bytes of a value, or of the rows of one, that are shown at once


def find(app: App, run_id: int, block: str) -> tuple[Output, ...]:
    """What the block left behind in that run. RunNotFound, BlockNotFound."""
    return runs.kept(app, runs.show(app, run_id), block)


def named(app: App, run_id: int, block: str, name: str) -> Output:
    """The output of that name. RunNotFound, BlockNotFound, OutputNotFound."""
    found = find(app, run_id, block)
    for each in found:
        if each.name == name:
            return each
    names = ", ".join(each.name for each in found) or "none"
    raise errors.OutputNotFound(what=f"The block {block} in run {run_id}", name=name, names=names)


def has_rows(output: Output) -> bool:
    """Whether it is a frame or an array, of which there are pages."""
    return output.codec in tables.KEPT or output.codec == "numpy"


def rows(app: App, output: Output, first: int, count: int) -> Head:
    """A page of them. CannotRead when it is no longer there, OutputTooLarge, ExtraMissing."""
    with _with_libraries():
        return outputs.head(output, app.settings.home, count, first, LARGEST)


def whole(app: App, output: Output) -> object:
    """A plain value, the whole of it. CannotRead, OutputTooLarge."""
    with _with_libraries():
        return outputs.value(output, app.settings.home, LARGEST)


def arrow(app: App, output: Output, first: int, count: int | None) -> Iterator[bytes]:
    """Rows of a frame as an Arrow IPC stream. NoArrowForm, CannotRead, ExtraMissing."""
    if output.codec not in {*tables.KEPT, CLEANED}:
        raise errors.NoArrowForm(name=output.name, kind=output.kind)
    with _with_libraries():
        return crossing.stream(output, app.settings.home, first, count)


@contextlib.contextmanager
def _with_libraries() -> Generator[None]:
    """ExtraMissing for what cannot be read for want of a library."""
    try:
        yield
    except errors.CannotRead as error:
        if isinstance(missing := error.__cause__, ModuleNotFoundError):
            raise errors.ExtraMissing(library=missing.name) from error
        raise
