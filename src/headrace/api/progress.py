"""Progress: how far what happens to runs has been seen, so that nothing is passed over.

Events of several engines may come to light out of their order. The mark is the id up to which everything was seen:
whoever goes on from there misses nothing, and may see some of what came after it twice. The events of one run come to
light in their order, since whoever writes them holds the run's row; so a run's events ascend, whatever comes late.
"""

import math
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import msgspec

from headrace.app import App
from headrace.operations import documents
from headrace.store.happenings import Happening

PAGE = 500  # events that are read at once
BEFORE = 5_000  # ids, the latest, that may still come when nothing was seen yet and somebody writes


@dataclass(frozen=True)
class Happened:
    """An event, to be sent. Everything up to `mark` has been given with it and before."""

    happening: Happening
    mark: int

    @property
    def id(self) -> int:
        return self.happening.event.id

    @property
    def name(self) -> str:
        """What it is about, as its server-sent event is called."""
        return "run" if self.happening.event.block is None else "block_run"

    @cached_property
    def text(self) -> bytes:
        """Its JSON."""
        return _encode(documents.happening(self.happening))


@dataclass(frozen=True, slots=True)
class Gap:
    """Ids that were passed over; whose they may be, who had not finished writing."""

    span: range
    writers: frozenset[str]

    def after(self, came: Collection[int], writers: frozenset[str]) -> "list[Gap]":
        """What is left of it, now that those ids have come to light and only those `writers` still write."""
        left = self.writers & writers
        edges = [self.span.start - 1, *(each for each in came if each in self.span), self.span.stop]
        return [Gap(span, left) for span in _between(edges)] if left else []


class Progress:
    """Everything up to `mark` was seen, and some after it: ids in between have not come to light.

    With a `run_id` it sees only the events of that run. Up to `settled` whatever id is not there never comes.
    """

    def __init__(self, mark: int, run_id: int | None = None, settled: int = 0) -> None:
        self._run_id = run_id
        self._settled = settled
        self._last = mark
        self._missing: list[Gap] = []  # they ascend
        self.mark = mark

    def look(self, app: App) -> list[Happened]:
        """What has come to light since the last look; when there is a page of it, there may be more.

        What is late is asked for last and given first: whatever a run has had before something new has come to light by then.
        """
        new, late = app.store.happenings.after(self._last, PAGE, self._run_id), list[Happening]()
        if self._missing or self._passed_over(new):
            writers = app.store.happenings.writers()
            new = self._again(app, new)
            late = app.store.happenings.within([gap.span for gap in self._missing])
            self._note(new, late, writers)
        before = self.mark
        self._last = new[-1].event.id if new else self._last
        lowest = self._missing[0].span.start if self._missing else math.inf
        self.mark = int(min(lowest - 1, self._last))
        marked = [Happened(each, int(min(lowest - 1, each.event.id))) for each in new]
        return [*(Happened(each, before) for each in late), *marked]

    def is_new(self, happened: Happened) -> bool:
        """Whether it has not been seen here."""
        return happened.id > self._last or any(happened.id in gap.span for gap in self._missing)

    @property
    def last(self) -> int:
        """The greatest id that was seen."""
        return self._last

    def _passed_over(self, new: Sequence[Happening]) -> list[range]:
        """The ids before one of these that are not there may belong to who has not finished writing."""
        if self._run_id is not None:
            return []
        seen = max(self._last, self._settled)
        return _between([seen, *(each.event.id for each in new if each.event.id > seen)])

    def _again(self, app: App, new: Sequence[Happening]) -> Sequence[Happening]:
        """The same, asked for once it is known who writes: what is still not there is theirs, or never comes."""
        if not self._passed_over(new):
            return new
        again = app.store.happenings.after(self._last, PAGE)
        return [each for each in again if each.event.id <= new[-1].event.id]

    def _note(self, new: Sequence[Happening], late: Sequence[Happening], writers: frozenset[str]) -> None:
        came = [each.event.id for each in late]
        left = [rest for gap in self._missing for rest in gap.after(came, writers)]
        self._missing = left + [Gap(span, writers) for span in self._passed_over(new) if writers]


def from_now(app: App) -> Progress:
    """Of what comes to light from now on, also where its id is lower than others that are there."""
    last = app.store.happenings.last()
    found = Progress(max(0, last - BEFORE) if app.store.happenings.writers() else last)
    while len(found.look(app)) >= PAGE:
        pass
    return found


def _between(ids: Iterable[int]) -> list[range]:
    """What lies between each of them and the next."""
    return [range(one + 1, other) for one, other in pairwise(ids) if other - one > 1]


_encode = msgspec.json.Encoder().encode
