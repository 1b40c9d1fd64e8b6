"""The same world, moved by Hypothesis: what is done to it, in any order, shrinks to the shortest that breaks something."""

import random
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test
from tests.simulation.play import Stage
from tests.simulation.world import LEASE, Faults, Machine, World

from headrace.model.run import RunSettings

SECONDS = st.sampled_from([0.0, 0.01, 0.3, 1.0, LEASE, 2 * LEASE])
TIMEOUTS = st.sampled_from([None, None, 0.5, 3.0])


class AnyOrder(RuleBasedStateMachine):
    stage: Stage

    @initialize(seed=st.integers(0, 999), leases=st.booleans(), works=st.integers(0, 9))
    def open(self, seed: int, leases: bool, works: int) -> None:
        self._opened = self.stage.world(seed, leases=leases)
        self.world: World = self._opened.__enter__()
        self.world.works = random.Random(works).sample(self.stage.works, 3)
        self.world.start()

    def _one(self, which: int) -> Machine:
        living = self.world.living()
        return living[which % len(living)]

    def _has_engine(self) -> bool:
        return bool(self.world.living())

    def _has_run(self) -> bool:
        return bool(self.world.made)

    @rule(work=st.integers(0, 2), timeout=TIMEOUTS, keyed=st.booleans(), count=st.integers(1, 3))
    @precondition(lambda self: len(self.world.made) < 9)
    def make(self, work: int, timeout: float | None, keyed: bool, count: int) -> None:
        for _ in range(count):
            self.world.make(self.world.works[work], settings=RunSettings(timeout=timeout), keyed=keyed)

    @rule(work=st.integers(0, 2))
    @precondition(lambda self: len(self.world.machines) < 8)
    def run(self, work: int) -> None:
        self.world.run(self.world.works[work])

    @rule(which=st.integers(0, 8))
    @precondition(_has_run)
    def cancel(self, which: int) -> None:
        self.world.cancel(self.world.made[which % len(self.world.made)])

    @rule(which=st.integers(0, 8), whole=st.booleans(), latest=st.booleans())
    @precondition(_has_run)
    def retry(self, which: int, whole: bool, latest: bool) -> None:
        self.world.retry(self.world.made[which % len(self.world.made)], whole=whole, latest=latest)

    @rule()
    @precondition(lambda self: len(self.world.machines) < 8)
    def start(self) -> None:
        self.world.start()

    @rule(which=st.integers(0, 8), linger=SECONDS)
    @precondition(_has_engine)
    def kill(self, which: int, linger: float) -> None:
        self.world.kill(self._one(which), linger)

    @rule(which=st.integers(0, 8))
    @precondition(_has_engine)
    def retire(self, which: int) -> None:
        self.world.retire(self._one(which))

    @rule(which=st.integers(0, 8), seconds=SECONDS, what=st.sampled_from(["stall", "part"]))
    @precondition(_has_engine)
    def stand_still(self, which: int, seconds: float, what: str) -> None:
        getattr(self.world, what)(self._one(which), seconds)

    @rule(which=st.integers(0, 8), seconds=st.sampled_from([-60.0, -1.0, 1.0, 60.0]))
    @precondition(_has_engine)
    def jump(self, which: int, seconds: float) -> None:
        self.world.jump(self._one(which), seconds)

    @rule(seconds=SECONDS)
    def lose_database(self, seconds: float) -> None:
        self.world.lose_database(seconds)

    @rule(ahead=st.integers(1, 40), what=st.sampled_from(["die", "lose"]))
    def plan_trouble(self, ahead: int, what: str) -> None:
        """At the so many-eth effect from now."""
        self.world.fatal[self.world.effects + ahead] = what

    @rule(pause=st.sampled_from([0.0, 0.3]), stall=st.sampled_from([0.0, 0.05]), double=st.booleans())
    def hurry(self, pause: float, stall: float, double: bool) -> None:
        """How often calls stand still from now on."""
        self.world.faults = Faults(pause=pause, stall=stall, double=float(double))

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    def teardown(self) -> None:
        if hasattr(self, "world"):
            try:
                self.world.see_through()
            except BaseException as error:
                self._opened.__exit__(type(error), error, error.__traceback__)
                raise
            self._opened.__exit__(None, None, None)


def test_the_world_in_any_order(stage: Stage, pytestconfig: pytest.Config) -> None:
    machine: Callable[[], AnyOrder] = type("Staged", (AnyOrder,), {"stage": stage})
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=30,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
