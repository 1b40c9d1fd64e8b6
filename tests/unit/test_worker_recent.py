"""What comes twice is noticed, if it comes soon."""

from headrace.worker.recent import Recent


def test_a_name_is_new_once() -> None:
    recent = Recent()
    assert [recent.is_new(name) for name in ("a", "b", "a", "b")] == [True, True, False, False]


def test_only_so_many_are_remembered() -> None:
    recent = Recent(most=2)
    assert [recent.is_new(name) for name in ("a", "b", "c", "b", "a")] == [True, True, True, False, True]
