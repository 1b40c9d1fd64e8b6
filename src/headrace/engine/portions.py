"""Portions: plans to make runs, cut so that no transaction makes many, for which others would wait."""

from collections.abc import Iterator, Sequence, Sized
from typing import Protocol, TypeVar

RUNS = 200  # of one transaction; one plan that makes more has one of its own


class Plan(Protocol):
    """What becomes of something that has happened, or is due."""

    @property
    def runs(self) -> Sized: ...


P = TypeVar("P", bound=Plan)


def cut(plans: Sequence[P]) -> Iterator[list[P]]:
    """Them all, in their order, as many at a time as together make no more runs than one transaction should."""
    portion, made = list[P](), 0
    for plan in plans:
        if portion and made + len(plan.runs) > RUNS:
            yield portion
            portion, made = [], 0
        portion.append(plan)
        made += len(plan.runs)
    if portion:
        yield portion
