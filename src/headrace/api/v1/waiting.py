"""`Prefer: wait=N`: the answer may take N seconds, so that it can tell how a run ended."""

import asyncio
import re
from collections.abc import Callable
from concurrent.futures import Future

from anyio import to_thread
from starlette.requests import Request

from headrace.api.feed import Feed
from headrace.app import App
from headrace.model.run import FINAL_RUN, Run

LONGEST = 300  # seconds that an answer is held back
LOOK = 1.0  # seconds between two looks at a run that another engine may move
_WAIT = re.compile(r"(?:^|[,;])\s*wait\s*=\s*\"?(\d{1,9})\"?\s*(?=$|[,;])", re.IGNORECASE)


def asked(request: Request) -> float | None:
    """For how many seconds the caller would wait; None when he does not say."""
    found = _WAIT.search(",".join(request.headers.getlist("prefer")))
    return min(float(found[1]), LONGEST) if found else None


async def for_end(home: App, feed: Feed, run: Run, seconds: float | None) -> Run:
    """The run once it has ended, or as it is when the time is over."""
    if not seconds or run.status in FINAL_RUN:
        return run
    return await _until(home, feed, run, seconds, lambda found: found.status in FINAL_RUN)


async def for_reopened(home: App, feed: Feed, run: Run, seconds: float | None) -> Run:
    """A final run once it has been reopened and has ended again, or as it is when the time is over."""
    return await _until(home, feed, run, seconds or 0.0, lambda now: now.epoch > run.epoch and now.status in FINAL_RUN)


async def _until(home: App, feed: Feed, run: Run, seconds: float, ended: Callable[[Run], bool]) -> Run:
    told = feed.end_of(run.id)
    try:
        return await asyncio.wait_for(_ended(home, run.id, told, ended), seconds)
    except TimeoutError:
        return await to_thread.run_sync(home.store.runs.get, run.id)
    finally:
        feed.forget(run.id, told)


async def _ended(home: App, run_id: int, told: "Future[Run]", ended: Callable[[Run], bool]) -> Run:
    """This server's engine tells of the end by itself; another's is seen in the store.

    An end that was remembered, or that was told late, may be over: an engine has had the run go on since.
    """
    heard, news = told.done(), asyncio.wrap_future(told)
    while True:
        if not heard:
            await asyncio.wait([news], timeout=LOOK)
            heard = news.done()
            if heard and not news.cancelled() and ended(news.result()):
                return news.result()
        found = await to_thread.run_sync(home.store.runs.get, run_id)
        if told.cancelled() or ended(found):
            return found
        if heard:
            await asyncio.sleep(LOOK)
