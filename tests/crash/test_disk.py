"""The disk is full in the middle of runs, and has room again: they go on to completion."""

import os
import resource
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.conftest import MakeWorks
from tests.crash.mill import Mill, Shape
from tests.crash.works import Works

SIZE = 48  # MiB of the small disk
LITTLE = 2**14  # bytes: enough for what the engine says, not for what it keeps
FIELDS = [f"field{number}" for number in range(8)]
GATED = Mill(
    {
        "gated": Shape(
            "gated",
            {"sow": [], **{field: ["sow"] for field in FIELDS}, "bake": FIELDS},
            {"gate": "go"},
        )
    }
)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "home"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("only root mounts a small disk" if os.geteuid() else "no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_runs_wait_for_room_on_the_disk(small_disk: Path, make_works: MakeWorks) -> None:
    works = make_works(GATED)
    under_way(works)
    ballast = small_disk / "ballast"
    fill(ballast)
    works.open_gate("go")
    works.wait(lambda: any(line.what == "ended" for line in works.ledger()), "the first block ends")
    works.wait(lambda: "full" in works.said(), "the engine says what hinders it")
    ballast.unlink()
    go_on(works)


def test_runs_wait_for_room_that_the_engine_is_allowed(make_works: MakeWorks) -> None:
    works = make_works(GATED)
    engine = under_way(works)
    _, most = resource.prlimit(engine, resource.RLIMIT_FSIZE)
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (LITTLE, most))
    works.open_gate("go")
    works.wait(lambda: any(line.what == "ended" for line in works.ledger()), "the first block ends")
    works.wait(lambda: "cannot" in works.said(), "the engine says what hinders it")
    resource.prlimit(engine, resource.RLIMIT_FSIZE, (most, most))
    go_on(works)


def under_way(works: Works) -> int:
    """Some runs whose first blocks wait at the gate; the engine's process."""
    engine = works.start()
    for _ in range(3):
        works.begin("gated")
    works.wait(lambda: len(works.ledger()) >= 3, "the first blocks have begun")
    return engine.pid


def fill(ballast: Path) -> None:
    """Takes all that is left, to the last page."""
    file = os.open(ballast, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        while os.write(file, bytes(2**16)):
            pass
    except OSError:
        pass
    finally:
        os.close(file)


def go_on(works: Works) -> None:
    works.wait_until_final()
    works.kill_engines()
    works.wait_until_nothing_lives()
    assert {run.status for run in works.check().runs} == {"completed"}
