"""A block that eats more memory than there is: the kernel ends its worker, the block is tried again, and all goes on."""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.crash.conftest import MakeWorks
from tests.crash.mill import Mill, Shape
from tests.crash.works import COMMAND

ROOM = 400 * 2**20  # bytes for an engine and all below it
GROUPS = (
    ("/sys/fs/cgroup/memory", "memory.limit_in_bytes"),  # the first version of control groups
    ("/sys/fs/cgroup", "memory.max"),  # the second
)
GREEDY = Mill({"greedy": Shape("greedy", {"sow": [], "bake": ["sow"]}, {"eats": 4 * ROOM}, retries=2)})


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    """A control group with little memory."""
    with contextlib.ExitStack() as made:
        yield _made(f"headrace-{os.getpid()}-{tmp_path.name}", made)


def _made(name: str, made: contextlib.ExitStack) -> Path:
    for root, limit in GROUPS:
        place = Path(root) / name
        with contextlib.suppress(OSError):
            place.mkdir()
            made.callback(place.rmdir)
            if (place / limit).exists():
                (place / limit).write_text(str(ROOM))
                return place
    pytest.skip("no control group with a limit of memory can be made here")


def test_a_worker_that_the_kernel_ends_for_want_of_memory(make_works: MakeWorks, group: Path) -> None:
    works = make_works(GREEDY)
    joined = f'echo $$ > "{group}/cgroup.procs"; exec "$@"'
    engine = works.start(command=("sh", "-c", joined, "sh", *COMMAND))
    works.detach("greedy")
    works.wait_until_final()
    assert engine.lives
    works.kill_engines()
    works.wait_until_nothing_lives()
    history = works.check()
    assert [run.status for run in history.runs] == ["completed"]
    first = [attempt for attempt in history.attempts if attempt.number == 1]
    assert {attempt.reason for attempt in first} == {"out_of_memory"}
