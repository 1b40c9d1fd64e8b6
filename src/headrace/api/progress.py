"""Progress: how far what happens to runs has been seen, so that nothing is passed over.

Events of several engines may come to light out of their order. The mark is the id up to which everything was seen:
whoever goes on from there misses nothing, and may see some of what came after it twice. The events of one run come to
light in their order, since whoever writes them holds the run's row; so a run's events ascend, whatever comes late.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import msgspec

from headrace import clock
from headrace.app import App
from headrace.operations import documents
from headrace.store.happenings import Happening

PAGE = 500  # events that are read at once
GIVEN_UP = 10.0  # seconds after which an id that was passed over is taken for one that will never come
WIDEST = 5_000  # ids, those before an event that came to light, that may still come


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


class Progress:
    """Everything up to `mark` was seen, and some after it: ids in between have not come to light.

    With a `run_id` it sees only the events of that run.
    """

    def __init__(self, mark: int, run_id: int | None = None) -> None:
        self._run_id = run_id
        self._last = mark
        self._missing: dict[int, float] = {}  # and since when
        self.mark = mark

    def look(self, app: App) -> list[Happened]:
        """What has come to light since the last look; when there is a page of it, there may be more.

        What is late is asked for last and given first: whatever a run has had before something new has come to light by then.
        """
        new = app.store.happenings.after(self._last, PAGE, self._run_id)
        late = self._late(app)
        before = self.mark
        for each in new:
            self._pass_over(each.event.id)
        self._give_up()
        lowest = min(self._missing, default=math.inf)
        self.mark = int(min(lowest - 1, self._last))
        marked = [Happened(each, int(min(lowest - 1, each.event.id))) for each in new]
        return [*(Happened(each, before) for each in late), *marked]

    def is_new(self, happened: Happened) -> bool:
        """Whether it has not been seen here."""
        return happened.id > self._last or happened.id in self._missing

    @property
    def last(self) -> int:
        """The greatest id that was seen."""
        return self._last

    def _late(self, app: App) -> list[Happening]:
        ids = sorted(self._missing)
        parts = (ids[start : start + PAGE] for start in range(0, len(ids), PAGE))
        found = [each for part in parts for each in app.store.happenings.those(part)]
        for each in found:
            del self._missing[each.event.id]
        return found

    def _pass_over(self, event_id: int) -> None:
        """The ids before this one that are not there may belong to who has not finished writing."""
        if self._run_id is None:
            now = clock.monotonic()
            between = range(max(self._last + 1, event_id - WIDEST), event_id)
            self._missing.update(dict.fromkeys(between, now))
        self._last = event_id

    def _give_up(self) -> None:
        earliest = clock.monotonic() - GIVEN_UP
        for each in [event for event, since in self._missing.items() if since < earliest]:
            del self._missing[each]


def from_now(app: App) -> Progress:
    """Of what comes to light from now on, also where its id is lower than others that are there."""
    found = Progress(max(0, app.store.happenings.last() - PAGE))
    while len(found.look(app)) >= PAGE:
        pass
    return found


_encode = msgspec.json.Encoder().encode
