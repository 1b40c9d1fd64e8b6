"""Runs: begun, followed, looked at, cancelled, run again."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from headrace.client import stream
from headrace.client.connection import Connection, path
from headrace.client.decoding import value
from headrace.client.values import BlockRun, Event, Line, Reason, Retry, Run, WholeRun
from headrace.model.query import Query

ALL = Query()
PAGE = 100  # runs that are asked for at once
LINES = 1000  # lines of a log


@dataclass(frozen=True, slots=True)
class RunPage:
    """Some runs of a list; `next` gets those after them, and is None at the end."""

    runs: tuple[Run, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some lines of a log. `next` gets what comes after them, now or later, and `previous` what comes before.

    `more` says whether there is more by now in the direction that was asked for.
    """

    lines: tuple[Line, ...]
    next: str
    previous: str
    more: bool


class Runs:
    def __init__(self, connection: Connection) -> None:
        self._server = connection

    def create(self, pipeline: str, project: str | None = None, **asked: Any) -> Run:
        """Begins a run, as `begin` does."""
        run, _ = self.begin(pipeline, project, **asked)
        return run

    def begin(
        self,
        pipeline: str,
        project: str | None = None,
        *,
        variables: Mapping[str, Any] | None = None,
        start: str | None = None,
        only: Sequence[str] = (),
        timeout: float | None = None,
        key: str | None = None,
        wait: float | None = None,
    ) -> tuple[Run, bool]:
        """Begins a run, and says whether it is new; the project may be left out where the server has one.

        With `wait` the run is as it has ended, or as it is so many seconds later. Asked again with the same `key` it is the same run. Without one it has a key of its own, so that an answer that is
        lost costs no second run.
        """
        body = {"project": project, "pipeline": pipeline, "variables": variables or {}, "from": start, "only": only}
        asked = {name: each for name, each in {**body, "timeout": timeout}.items() if each not in (None, ())}
        made, new = self._server.make("/runs", asked, key, wait)
        return value(made, Run), new

    def get(self, run: int, *, wait: float | None = None) -> WholeRun:
        """With `wait`, once it has ended, or so many seconds later. RunNotFound."""
        return value(self._server.read(f"/runs/{run}", wait=wait), WholeRun)

    def block(self, run: int, block: str) -> BlockRun:
        """One block of it, with its attempts. RunNotFound, BlockNotFound."""
        return value(self._server.read(path("runs", run, "blocks", block)), BlockRun)

    def list(self, **filters: Any) -> Iterator[Run]:
        """Every run that fits, got page by page, the newest first. Filters are what a Query has:

        `project`, `pipeline`, `trigger`, `backfill`, `statuses`, `variables`, `tags`, `created` (a Span) and so on.
        """
        given: dict[str, Any] = {**filters, "statuses": frozenset(filters.get("statuses", ()))}
        query = Query(**given)
        cursor: str | None = None
        while True:
            page = self.page(query, limit=PAGE, cursor=cursor)
            yield from page.runs
            cursor = page.next
            if cursor is None:
                return

    def page(self, query: Query = ALL, *, limit: int = 20, cursor: str | None = None) -> RunPage:
        """Some runs, or those after the page that the cursor is of. BadFilter, BadCursor."""
        return value(self._server.read("/runs", **_filters(query), limit=limit, cursor=cursor), RunPage)

    def counts(
        self, *, project: str | None = None, pipeline: str | None = None, trigger: int | None = None
    ) -> dict[str, int]:
        """How many runs of a project, a pipeline or a trigger have each status."""
        whose: dict[str, Any] = {"project": project, "pipeline": pipeline, "trigger_id": trigger}
        return value(self._server.read("/runs/counts", **whose), dict[str, int])

    def cancel(self, run: int) -> Run:
        """Asks for it; the engine stops what runs, and ends it then. RunNotFound, RunFinal."""
        return value(self._server.do("POST", f"/runs/{run}/cancel"), Run)

    def retry(self, run: int, *, start: str | None = None, whole: bool = False, latest: bool = False) -> Retry:
        """Runs again, in the same run, what did not complete; and all from the block `start` on, or the `whole`.

        With the code that it had, or the `latest`. RunNotFound, RunNotResumable, BlockNotFound.
        """
        body = {**({"from": start} if start else {}), "whole": whole, "latest": latest}
        return value(self._server.do("POST", f"/runs/{run}/retry", body)["retry"], Retry)

    def why(self, run: int) -> tuple[Reason, ...]:
        """Why it and its blocks wait, or have ended as they have."""
        return value(self._server.read(f"/runs/{run}/why")["reasons"], tuple[Reason, ...])

    def logs(self, run: int, *, follow: bool = False, cursor: str | None = None, **choice: Any) -> Iterator[Line]:
        """Every line that fits, first to last, or from a cursor on; for the choice see `log_page`.

        With `follow` also those to come, until the run has ended.
        """
        more = True
        while more:
            page = self.log_page(run, limit=LINES, cursor=cursor, **choice)
            yield from page.lines
            cursor, more = page.next, page.more
        if follow and cursor:
            yield from self._coming(run, cursor, choice)

    def log_page(
        self,
        run: int,
        *,
        block: str | None = None,
        attempt: int | None = None,
        level: str | None = None,
        stream: Collection[str] = (),
        text: str | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        tail: int | None = None,
        limit: int | None = None,
        cursor: str | None = None,
        before: str | None = None,
    ) -> LogPage:
        """Some lines of the level or above, that have the text: the first, the last `tail` of them, those that come after
        the `next` of a page (as `cursor`), or `before` the `previous` of one. BadLogQuery.
        """
        found = self._server.read(
            f"/runs/{run}/logs",
            block=block,
            attempt=attempt,
            level=level,
            stream=list(stream),
            text=text,
            since=since,
            until=until,
            tail=tail,
            limit=limit,
            cursor=cursor,
            before=before,
        )
        return value(found, LogPage)

    def follow(self, run: WholeRun) -> Iterator[Event]:
        """What happens to the run after it was looked at, to its end. Each event comes once."""
        seen = max((each.id for each in run.events), default=0)
        for change in stream.follow(self._server, "/changes", {"run_id": run.id, "after": seen}):
            if change.id > seen:
                seen = change.id
                yield change
            if change.ends_run:
                return

    def _coming(self, run: int, cursor: str, choice: Mapping[str, Any]) -> Iterator[Line]:
        """What is written behind the cursor. The stream does not know all of the choice: the rest is done here."""
        known = {name: choice[name] for name in ("block", "attempt", "level", "text") if name in choice}
        asked = {**known, "after": f"0.{cursor}", "until": "final"}
        for sent in stream.events(self._server, path("runs", run, "stream"), asked):
            if sent.event == "end":
                return
            if sent.event == "log" and _fits(line := value(sent.data, Line), choice):
                yield line


def _filters(query: Query) -> dict[str, Any]:
    """What a query says, by the names of the API."""
    spans = {name: getattr(query, name) for name in ("created", "started", "ended", "execution_date")}
    since = {f"{name}_from": span.since for name, span in spans.items()}
    until = {f"{name}_to": span.until for name, span in spans.items()}
    return {
        **{name: getattr(query, name) for name in ("project", "pipeline", "passed_sla")},
        **since,
        **until,
        "trigger_id": query.trigger,
        "backfill_id": query.backfill,
        "status": sorted(query.statuses),
        "variable": [f"{name}:{stream.json_of(each)}" for name, each in query.variables.items()],
        "tag": sorted(query.tags),
        "oldest_first": query.oldest_first or None,
    }


def _fits(line: Line, choice: Mapping[str, Any]) -> bool:
    """Whether it is of the streams and of the time that were chosen."""
    since, until, streams = (choice.get(name) for name in ("since", "until", "stream"))
    return (
        (not streams or line.stream in streams) and (not since or line.at >= since) and (not until or line.at < until)
    )
