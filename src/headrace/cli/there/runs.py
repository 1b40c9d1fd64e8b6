"""The same as `here`, of a server: runs."""

from headrace.cli.here.runs import Row
from headrace.cli.there import reading
from headrace.client.front import Client
from headrace.logs.lines import Line
from headrace.model.output import Output
from headrace.model.query import Query
from headrace.model.run import Attempt
from headrace.operations.asking import Again
from headrace.operations.reasons import Reason
from headrace.operations.retrying import Retry
from headrace.operations.runs import Shown
from headrace.outputs import Head


class Runs:
    def __init__(self, client: Client) -> None:
        self._client = client

    def page(self, query: Query, limit: int, cursor: str | None) -> tuple[list[Row], str | None]:
        page = self._client.runs.page(query, limit=limit, cursor=cursor)
        return [Row(reading.run(each), each.project, each.pipeline, each.abandoned) for each in page.runs], page.next

    def count(self, query: Query) -> int | None:
        if not query.is_tallied:
            return None
        pipeline = None if query.pipeline is None else str(query.pipeline)
        counts = self._client.runs.counts(project=query.project, pipeline=pipeline, trigger=query.trigger)
        return sum(count for status, count in counts.items() if not query.statuses or status in query.statuses)

    def show(self, run: int) -> Shown:
        return reading.shown(self._client.runs.get(run))

    def explain(self, shown: Shown) -> list[Reason]:
        return [reading.alike(Reason, each) for each in self._client.runs.why(shown.run.id)]

    def log_end(self, shown: Shown, block: str, attempt: Attempt, count: int) -> tuple[Line, ...]:
        page = self._client.runs.log_page(shown.run.id, block=block, attempt=attempt.number, tail=count)
        return tuple(reading.alike(Line, each) for each in page.lines)

    def kept(self, shown: Shown, block: str) -> tuple[Output, ...]:
        return reading.outputs(self._client.outputs.list(shown.run.id, block))

    def head(self, shown: Shown, block: str, output: Output, rows: int) -> Head:
        found = self._client.outputs.head(shown.run.id, block, output.name, rows=rows)
        return Head(list(found.columns), [list(each) for each in found.rows])

    def cancel(self, run: int) -> bool:
        self._client.runs.cancel(run)
        return True

    def retry(self, asked: Again) -> Retry:
        told = self._client.runs.retry(asked.run_id, start=asked.start, whole=asked.whole, latest=asked.latest)
        return reading.retry(self._client.runs.get(asked.run_id), told)
