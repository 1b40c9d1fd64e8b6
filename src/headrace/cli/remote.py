"""A run begins on a server, or goes on there, and is followed to its end as one of this machine is."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future

import click

from headrace import clock
from headrace.cli import closing, exits, home, out, places, retries, running
from headrace.cli.following import Follower
from headrace.cli.there import reading
from headrace.client.front import Client
from headrace.client.values import BlockRun, Event, WholeRun
from headrace.engine.begun import Begun
from headrace.model.run import BlockStatus, Run
from headrace.model.transitions import BlockMove
from headrace.operations.asking import Again, Asked
from headrace.store.changes import AttemptEnded, BlockMoved, Change

_SHOWN = frozenset({"start", "complete", "fail", "retry"})  # moves of which the attempt is looked at


def run(what: Asked | Again, *, detach: bool = False, quiet: bool = False) -> int:
    """Begins it at the server that was named, and follows it unless it is left to that; the exit code."""
    follower = Follower()
    with home.client() as client, follower:
        number, seen = _begin(client, what, quiet=quiet or detach)
        if detach:
            return _left(what, number)
        return _followed(client, client.runs.get(number), seen, follower, quiet=quiet)


def _left(what: Asked | Again, number: int) -> int:
    """A new run's number is printed; of one that goes on it is known."""
    if isinstance(what, Asked):
        click.echo(number)
    return exits.COMPLETED


def _begin(client: Client, what: Asked | Again, *, quiet: bool) -> tuple[int, int]:
    """The run, and the last of its events that belongs to its past."""
    if isinstance(what, Again):
        return what.run_id, _go_on(client, what, quiet=quiet)
    made, new = client.runs.begin(
        what.pipeline,
        str(what.folder),
        variables=what.variables,
        start=what.start,
        only=what.only,
        timeout=what.settings.timeout,
        key=what.key,
    )
    if not new:
        exits.complain(f"Run {made.id} was started before, with this key.")
    return made.id, 0


def _go_on(client: Client, asked: Again, *, quiet: bool) -> int:
    seen = max((each.id for each in client.runs.get(asked.run_id).events), default=0)
    retry = places.there(client).runs.retry(asked)
    retries.warn(retry)
    if not quiet:
        out.say(retries.told(retry))
    return seen


def _followed(client: Client, whole: WholeRun, seen: int, follower: Follower, *, quiet: bool) -> int:
    place = places.there(client)
    watch = Watch(client, whole, seen, follower.told)
    rows = {each.block: reading.block_run(whole.id, each) for each in whole.blocks}
    begun = Begun(reading.run(whole), reading.pipeline(whole), rows, watch.done)
    watch.start()
    began = next((each.at for each in whole.events if each.id > seen), clock.now())  # the server's clock may be another
    final = running.followed(place, begun, follower, began, quiet=quiet)
    if final is not None:
        closing.say(place, place.runs.show(final.id))
    return running.code(final, follower)


class Watch:
    """Tells what happens to a run on a server, in a thread of its own; `done` gets the final run."""

    def __init__(
        self, client: Client, whole: WholeRun, seen: int, tell: Callable[[Run, Sequence[Change]], None]
    ) -> None:
        self.done: Future[Run] = Future()
        self._client = client
        self._whole = whole
        self._seen = seen
        self._tell = tell
        self._known = {each.block: each for each in whole.blocks if each.type}  # those that the board shows
        self._thread = threading.Thread(target=self._live, name="watch", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def _live(self) -> None:
        try:
            for event in self._events():
                if changes := self._changes(event):
                    self._tell(reading.run(self._whole), changes)
            self.done.set_result(reading.run(self._client.runs.get(self._whole.id)))
        except Exception as error:
            self.done.set_exception(error)

    def _events(self) -> Iterator[Event]:
        """What has happened before the run was looked at, then what comes."""
        yield from (each for each in self._whole.events if each.id > self._seen)
        if not self._is_over():
            yield from self._client.runs.follow(self._whole)

    def _is_over(self) -> bool:
        """Whether its end is among what has happened."""
        return any(each.id > self._seen and each.ends_run for each in self._whole.events)

    def _changes(self, event: Event) -> list[Change]:
        """What an engine of this machine would have told of it."""
        sort, _, name = event.kind.partition(".")
        if sort != "block" or event.block not in self._known:
            return []
        block = self._look(event.block) if name in _SHOWN else self._known[event.block]
        tried = [each for each in block.attempts if each.number == event.attempt]
        return [*(AttemptEnded(reading.attempt(block.id, each)) for each in tried), self._moved(event, name, block)]

    def _look(self, block: str) -> BlockRun:
        """The block run as it is by now."""
        self._known[block] = self._client.runs.block(self._whole.id, block)
        return self._known[block]

    def _moved(self, event: Event, name: str, block: BlockRun) -> BlockMoved:
        row = reading.block_run(self._whole.id, block)
        to, sets = BlockStatus(event.status), {"attempt": event.attempt or row.attempt}
        return BlockMoved(row, BlockMove(name, frozenset({row.status}), to, event.reason, event.at, row.attempt, sets))
