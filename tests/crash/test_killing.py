"""Engines and all below them are killed at random while runs come in, are cancelled and retried; then every invariant holds."""

from tests.crash.conftest import KILLS, MakeWorks
from tests.crash.feeder import Feeder
from tests.crash.history import History
from tests.crash.killer import Killer
from tests.crash.mill import Mill


def test_whoever_is_killed_every_promise_is_kept(make_works: MakeWorks, database: str | None, seed: int) -> None:
    works = make_works(Mill(at_once=3), database)
    feeder = Feeder(works, seed)
    killer = Killer(works, seed, 2 if database else 1, feeder.beside)
    killer.kill(KILLS, feeder.feed)
    killer.rest()
    works.kill_engines()
    works.wait_until_nothing_lives()
    history = works.check()
    assert killer.kills.total() == KILLS
    assert any(line.what == "ended" for line in history.ledger)
    print(told(history, killer, feeder))


def told(history: History, killer: Killer, feeder: Feeder) -> str:
    """What happened, in a few words."""
    again = sum(attempt.number > 1 for attempt in history.attempts)
    runs = f"{len(history.runs)} runs, {len(history.attempts)} attempts, {again} of them retries"
    return f"{killer.kills.total()} kills {dict(killer.kills)}; {runs}; asked for {dict(feeder.asked)}"
