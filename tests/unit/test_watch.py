"""Which files are told of, and when the next look is."""

from datetime import UTC, datetime, timedelta

from headrace.model import watch
from headrace.model.watch import Found, Seen, Sight

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return AT + timedelta(seconds=seconds)


def file(size: int = 1, stamp: str = "s") -> Found:
    return Found(size, stamp, None)


def looks(settle: float, *found: tuple[float, dict[str, Found]]) -> list[Sight]:
    """What each look has come to, beginning with an empty place."""
    sights = [watch.begin({}, AT)]
    for seconds, there in found:
        sights.append(watch.look(sights[-1].seen, there, after(seconds), settle))
    return sights[1:]


def told(sights: list[Sight]) -> list[tuple[str, ...]]:
    return [each.news for each in sights]


def test_what_lies_there_in_the_beginning_is_never_told() -> None:
    begun = watch.begin({"old": file()}, AT)
    assert begun.news == ()
    again = watch.look(begun.seen, {"old": file()}, after(100), 5)
    assert (again.news, again.rests_at) == ((), None)
    assert again.seen == begun.seen


def test_a_file_is_told_once_it_has_settled_and_only_once() -> None:
    sights = looks(5, (10, {"a": file()}), (14, {"a": file()}), (15, {"a": file()}), (99, {"a": file()}))
    assert told(sights) == [(), (), ("a",), ()]
    assert [each.rests_at for each in sights] == [after(15), after(15), None, None]


def test_a_file_that_grows_or_is_touched_begins_to_settle_anew() -> None:
    sights = looks(5, (10, {"a": file(1)}), (14, {"a": file(2)}), (18, {"a": file(2, "t")}), (23, {"a": file(2, "t")}))
    assert told(sights) == [(), (), (), ("a",)]


def test_a_file_that_changes_after_it_was_told_is_told_again() -> None:
    sights = looks(0, (10, {"a": file(1)}), (20, {"a": file(2)}), (30, {"a": file(2)}))
    assert told(sights) == [("a",), ("a",), ()]


def test_an_old_file_that_changes_is_told() -> None:
    begun = watch.begin({"old": file(1)}, AT)
    assert watch.look(begun.seen, {"old": file(2)}, after(10), 0).news == ("old",)


def test_a_file_that_is_gone_is_forgotten() -> None:
    sights = looks(0, (10, {"a": file()}), (20, {}), (30, {"a": file()}))
    assert sights[1].seen == {}
    assert told(sights) == [("a",), (), ("a",)]


def test_files_settle_each_by_itself() -> None:
    sights = looks(5, (10, {"a": file()}), (13, {"a": file(), "b": file()}), (16, {"a": file(), "b": file()}))
    assert told(sights) == [(), (), ("a",)]
    assert sights[2].seen == {"a": Seen(1, "s", after(10), True), "b": Seen(1, "s", after(13), False)}
    assert sights[2].rests_at == after(18)


def test_the_next_look_is_when_it_is_asked_for_or_when_a_file_has_settled() -> None:
    assert watch.next_look(AT, 60) == after(60)
    assert watch.next_look(AT, 60, rests_at=after(20)) == after(20)
    assert watch.next_look(AT, 10, rests_at=after(20)) == after(10)


def test_no_look_follows_another_sooner_than_after_five_seconds() -> None:
    assert watch.next_look(AT, 1) == after(5)
    assert watch.next_look(AT, 60, rests_at=after(1)) == after(5)
