"""A play: one simulation from its seed. The seed says what is run, on what, and what goes wrong when."""

import random
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from tests.simulation.catalog import catalog
from tests.simulation.witness import Witness
from tests.simulation.world import LEASE, Faults, World

from headrace import store as stores
from headrace.engine import owner
from headrace.model.run import RunSettings

SHM = Path("/dev/shm")  # the promise of a commit is not what is tested here, so memory will do
EMPTIED = (
    "run_datasets",
    "dataset_versions",
    "datasets",
    "outputs",
    "attempts",
    "events",
    "keys",
    "block_runs",
    "runs",
    "engines",
    "sqlite_sequence",  # so that the runs of a play have the same numbers whenever it is played
)


class Stage:
    """A database with the catalogue in it, emptied of runs between plays: making one takes longer than most plays."""

    def __init__(self) -> None:
        self.home = Path(tempfile.mkdtemp(dir=SHM if SHM.is_dir() else None))
        owner.home_id(self.home)  # it has one from its first engine on, and no play is to be the first
        self.store = stores.open(self.home)
        self.works = catalog(self.store, self.home / "projects")
        self.witness = Witness(self.home / "headrace.db", self.works)

    @contextmanager
    def world(self, seed: int, *, leases: bool) -> Generator[World]:
        """A new world. Whatever goes wrong is told with the seed and the story."""
        self._clear()
        world = World(random.Random(seed), self.store, self.home, self.works, self.witness, leases=leases)
        with world.clocks.installed():
            try:
                yield world
            except BaseException as error:
                error.add_note("\n".join([f"SEED {seed}, leases {leases}", *world.told[-80:]]))
                raise
            finally:
                world.end()

    def close(self) -> None:
        self.witness.close()
        self.store.close()
        shutil.rmtree(self.home)

    def _clear(self) -> None:
        for table in EMPTIED:
            self.witness.ask(f"DELETE FROM {table}")
        self.witness.forget()
        for folder in self.home.glob("machine-*"):
            shutil.rmtree(folder)
        shutil.rmtree(self.home / "engines", ignore_errors=True)


def play(stage: Stage, seed: int) -> World:
    """Plays the seed to its end."""
    rng = random.Random(f"play {seed}")
    with stage.world(seed, leases=rng.random() < 0.6) as world:
        world.works = rng.sample(stage.works, rng.choice([1, 2, 4]))
        world.faults = _faults(rng)
        for _ in range(rng.randint(1, 3)):
            world.start()
        for _ in range(rng.randint(3, 12)):
            _act(world, rng)
            world.pass_time(rng.choice([0.0, 0.0, 0.01, 0.3, 1.0, 3.0]))
        world.see_through()
        if world.made and rng.random() < 0.5:
            _go_on(world, rng)
    return world


def _faults(rng: random.Random) -> Faults:
    """Few plays have several kinds of them, for one hides another."""
    themes = [
        Faults(),
        Faults(fail=0.05, lose=0.1),
        Faults(lose=0.15),
        Faults(die=0.03),
        Faults(pause=0.2),
        Faults(stall=0.03),
        Faults(stall=0.02, pause=0.1),
        Faults(double=0.3, deaf=0.5, pause=0.05),
        Faults(unwritable=0.3, stall=0.03, pause=0.1),
        Faults(fail=0.02, lose=0.03, die=0.01, pause=0.05, stall=0.01, double=0.1, deaf=0.1, unwritable=0.05),
    ]
    return rng.choice(themes)


def _act(world: World, rng: random.Random) -> None:
    """One thing that people or fate do."""
    living = world.living()
    often = ["make"] * 9 + ["run"] * 2
    what = rng.choice(
        [*often, "cancel", "retry", "start", "kill", "stall", "part", "away", "jump", "database", "retire"]
    )
    one = rng.choice(living) if living else None
    match what:
        case "make":
            for _ in range(rng.choice([1, 1, 2, 3])):
                world.make(rng.choice(world.works), settings=_settings(rng), keyed=rng.random() < 0.2)
        case "run":
            world.run(rng.choice(world.works), _settings(rng))
        case "cancel" if world.made:
            world.cancel(rng.choice(world.made))
        case "retry" if world.made:
            world.retry(rng.choice(world.made), whole=rng.random() < 0.3, latest=rng.random() < 0.3)
        case "start":
            world.start()
        case "kill" if one:
            world.kill(one)
        case "stall" if one:
            world.stall(one, rng.choice([1.0, LEASE, 3 * LEASE]))
        case "part" if one:
            world.part(one, rng.choice([0.5, LEASE, 2 * LEASE]))
        case "away":
            world.lose_database(rng.choice([0.5, LEASE, 2 * LEASE]))
        case "jump" if one:
            world.jump(one, rng.choice([-60.0, -1.0, 1.0, 60.0]))
        case "database":
            world.database_skew += rng.choice([-30.0, -0.1, 0.1])
        case "retire" if one:
            world.retire(one)
        case _:
            pass


def _go_on(world: World, rng: random.Random) -> None:
    """Some of what has ended goes on, once more to its end."""
    for run_id in rng.sample(world.made, min(2, len(world.made))):
        world.retry(run_id, whole=rng.random() < 0.5, latest=rng.random() < 0.5)
    world.see_through()


def _settings(rng: random.Random) -> RunSettings:
    if rng.random() < 0.7:
        return RunSettings()
    return RunSettings(
        timeout=rng.choice([None, 0.5, 3.0]),
        timeout_status=rng.choice(["failed", "cancelled"]),
        retry_config=rng.choice([{}, {"retries": 1, "delay": 0}]),
        allow_blocks_to_fail=rng.random() < 0.5,
    )
