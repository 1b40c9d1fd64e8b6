"""How often logins may fail before nobody is heard any more."""

from headrace.model import failures
from headrace.model.failures import MOST, SPAN, Failures


def test_after_so_many_nobody_is_heard_until_the_first_is_long_past() -> None:
    found = Failures()
    assert [found.begin(["ada"], float(n)) for n in range(MOST)] == [0.0] * MOST
    assert found.begin(["ada"], float(MOST)) == SPAN - MOST
    assert found.begin(["eve"], float(MOST)) == 0.0, "others are"
    assert found.begin(["ada"], SPAN - 0.5) == 0.5, "what was not heard counts for nothing"
    assert found.begin(["ada"], SPAN) == 0.0
    assert found.begin(["ada"], SPAN) == 1.0


def test_one_subject_that_failed_too_often_is_enough() -> None:
    found = Failures()
    for n in range(MOST):
        found.begin([f"name {n}", "address"], 0.0)
    assert found.begin(["name", "address"], 1.0) == SPAN - 1.0
    assert found.begin(["name", "elsewhere"], 1.0) == 0.0


def test_what_went_right_does_not_count() -> None:
    found = Failures()
    for n in range(MOST * 2):
        assert found.begin(["ada", "address"], float(n)) == 0.0
        found.forgive(["ada", "address"], float(n))
    assert not found._tries, "and nothing of it is remembered"  # pyright: ignore[reportPrivateUsage]


def test_only_so_many_are_remembered() -> None:
    found = Failures()
    for n in range(failures.REMEMBERED + 5):
        found.begin([str(n)], 0.0)
    assert len(found._tries) == failures.REMEMBERED  # pyright: ignore[reportPrivateUsage]
