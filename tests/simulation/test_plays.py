"""Several engines, simulated executors, virtual time: whatever goes wrong, nothing that must hold is ever broken."""

from collections.abc import Iterator

import pytest
from tests.simulation.conftest import ACTS
from tests.simulation.play import Stage, play


@pytest.mark.parametrize("seeds", range(ACTS), indirect=True)
def test_whatever_goes_wrong_no_run_is_lost_and_none_lies(stage: Stage, seeds: Iterator[int]) -> None:
    for seed in seeds:
        play(stage, seed)


def test_a_seed_is_the_whole_of_its_play(stage: Stage) -> None:
    """So that one that failed can be looked at."""
    for seed in (3, 8):
        first, again = play(stage, seed), play(stage, seed)
        assert first.told == again.told
        assert first.effects == again.effects
