"""One engine does its work and something goes wrong at the n-th of its effects, for every n; the next goes on."""

import os
import random

import pytest
from tests.simulation.play import Stage
from tests.simulation.world import World

STRIDE = 1 if int(os.environ.get("HEADRACE_SIMULATION_PLAYS", "0")) > 1000 else 9  # every so many-eth effect is tried


def scene(stage: Stage, what: dict[int, str], seed: int = 0) -> World:
    """Three runs: one fails and goes on again, one is cancelled half way, and all come under limits."""
    with stage.world(seed, leases=seed % 2 == 0) as world:
        world.works = [work for work in stage.works if len(work.versions[0].pipeline.blocks) in (2, 3)][:3]
        world.fatal = dict(what)
        world.start()
        made = [world.make(work) for work in world.works]
        world.pass_time(0.2)
        world.cancel(made[1])
        world.pass_time(8.0)
        world.retry(made[0], whole=True)
        world.pass_time(2.0)
        world.see_through()
        assert all(world.store.runs.get(run).ended_at for run in made)
    return world


@pytest.mark.parametrize("seed", [0, 1], ids=["leases", "locks"])
@pytest.mark.parametrize("what", ["die", "lose"])
def test_wherever_it_goes_wrong_all_runs_end(stage: Stage, what: str, seed: int) -> None:
    effects = scene(stage, {}, seed).effects
    assert effects > 60
    first = 1 if STRIDE == 1 else 1 + random.Random(os.environ.get("CI")).randrange(STRIDE)
    for effect in range(first, effects + 1, STRIDE):
        scene(stage, {effect: what}, seed)


@pytest.mark.parametrize("seed", [0, 1], ids=["leases", "locks"])
def test_wherever_it_goes_wrong_twice_all_runs_end(stage: Stage, seed: int) -> None:
    """The second time in what mends the first."""
    effects = scene(stage, {}, seed).effects
    rng = random.Random(os.environ.get("CI"))
    for _ in range(12 if STRIDE > 1 else 300):
        first = rng.randrange(1, effects)
        scene(
            stage, {first: rng.choice(["die", "lose"]), first + rng.randrange(1, 12): rng.choice(["die", "lose"])}, seed
        )
