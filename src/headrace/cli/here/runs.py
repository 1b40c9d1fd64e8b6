"""Runs: looked at, cancelled, asked to go on."""

from dataclasses import dataclass

from headrace import errors
from headrace.app import App
from headrace.logs.lines import Line
from headrace.model.output import Output
from headrace.model.query import Query
from headrace.model.run import Attempt, Run
from headrace.operations import cancelling, engines, listing, retrying, runs, why
from headrace.operations.asking import Again
from headrace.operations.reasons import Reason
from headrace.operations.retrying import Retry
from headrace.operations.runs import Shown
from headrace.outputs import Head


@dataclass(frozen=True, slots=True)
class Row:
    """A run in a list, with the names of its project and pipeline; `abandoned` if its engine is gone."""

    run: Run
    project: str
    pipeline: str
    abandoned: bool


class Runs:
    def __init__(self, app: App) -> None:
        self._app = app

    def page(self, query: Query, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
        """Some of the runs, the newest first, and what gets the next of them. BadFilter, BadCursor."""
        page = listing.page(self._app, query, limit, cursor)
        gone = engines.abandoned(self._app, [each.run for each in page.runs])
        return [Row(each.run, each.project, each.pipeline, each.run.id in gone) for each in page.runs], page.cursor

    def count(self, query: Query) -> int | None:
        """How many there are; None where only going through them would tell."""
        return listing.count(self._app, query)

    def show(self, run: int) -> Shown:
        """The run with everything kept of it. RunNotFound."""
        return runs.show(self._app, run)

    def explain(self, shown: Shown) -> list[Reason]:
        """Why it and its blocks wait, or ended as they did."""
        return why.explain(self._app, shown)

    def log_end(self, shown: Shown, block: str, attempt: Attempt, count: int) -> tuple[Line, ...]:
        """The last lines that the attempt has written, at most so many."""
        return runs.log_end(self._app, shown, attempt, count)

    def kept(self, shown: Shown, block: str) -> tuple[Output, ...]:
        """What the block left behind. BlockNotFound."""
        return runs.kept(self._app, shown, block)

    def head(self, shown: Shown, block: str, output: Output, rows: int) -> Head:
        """The beginning of an output. CannotRead."""
        return runs.head(self._app, output, rows)

    def cancel(self, run: int) -> bool:
        """Asks for it; whether an engine moves the run, which will do it. RunFinal."""
        if cancelling.ask(self._app, run) is None:
            raise errors.RunFinal(run=run, status=runs.get(self._app, run).status)
        return runs.get(self._app, run).owner in engines.living(self._app)

    def retry(self, asked: Again) -> Retry:
        """Asks for it; an engine carries it out. RunNotFound, RunNotResumable, BlockNotFound."""
        planned = retrying.plan(self._app, asked)
        retrying.ask(self._app, planned)
        return planned
