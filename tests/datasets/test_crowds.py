"""Whoever writes a table beside others, and whoever is killed: each attempt has one version, and no version is lost."""

import os
import random
import signal
import subprocess
import sys
import textwrap
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest

from headrace.datasets import reading, tables

KILLS = 2
ROUNDS = 6

WRITER = """
    import sys
    from datetime import UTC, datetime
    from pathlib import Path

    import pyarrow as pa
    import pyarrow.parquet as pq

    from headrace.datasets import committing
    from headrace.datasets.committing import Staged
    from headrace.model.dataset import WriteMode

    place, folder, *attempts = sys.argv[1:]
    for number, attempt in enumerate(attempts):
        file = Path(folder, f"{attempt}.parquet")
        if not file.exists():
            pq.write_table(pa.table({"attempt": [attempt]}), file.with_suffix(f".{id(file)}"))
            file.with_suffix(f".{id(file)}").replace(file)
        mode = WriteMode.APPEND if number % 3 else WriteMode.UPSERT
        at = datetime.now(UTC)
        done = committing.commit(place, Staged(attempt=attempt, files=[file], mode=mode, keys=("attempt",), at=at))
        print(attempt, done.version, done.rows, flush=True)
"""


class Crowd:
    """Processes that write the table at `place`."""

    def __init__(self, folder: Path) -> None:
        self.place = str(folder / "table")
        self._folder = folder
        self._script = folder / "writer.py"
        self._script.write_text(textwrap.dedent(WRITER))

    def start(self, name: str, attempts: list[str]) -> "subprocess.Popen[str]":
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        words = [sys.executable, str(self._script), self.place, str(folder), *attempts]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def told(self, writer: "subprocess.Popen[str]") -> dict[str, tuple[int, int]]:
        """The version that each attempt has, and how many rows there were then."""
        out, wrong = writer.communicate(timeout=60)
        assert writer.returncode == 0, wrong
        lines = [line.split() for line in out.splitlines()]
        return {attempt: (int(version), int(rows)) for attempt, version, rows in lines}

    def attempts(self, version: int) -> list[str]:
        return sorted(reading.page(self.place, version, 0, 10**6).column("attempt").to_pylist())


@pytest.fixture
def crowd(tmp_path: Path) -> Crowd:
    return Crowd(tmp_path)


def is_whole(crowd: Crowd, versions: Mapping[str, int]) -> None:
    """Each attempt has a version of its own, which has all that came before, and its own row once."""
    assert sorted(versions.values()) == list(range(1, len(versions) + 1))
    there: list[str] = []
    for attempt in sorted(versions, key=lambda each: versions[each]):
        there.append(attempt)
        assert crowd.attempts(versions[attempt]) == sorted(there)


def test_all_that_write_at_once_are_there_each_with_a_version(crowd: Crowd) -> None:
    """Two of them write some attempts twice over, as an engine does that is taken for dead and lives."""
    own = [[f"{name}-{n}" for n in range(ROUNDS)] for name in "ab"]
    both = [f"both-{n}" for n in range(ROUNDS)]
    writers = [crowd.start(name, [*attempts, *both]) for name, attempts in zip("ab", own, strict=True)]
    told = [crowd.told(each) for each in writers]
    assert {name: told[0][name] for name in both} == {name: told[1][name] for name in both}
    is_whole(crowd, {attempt: version for each in told for attempt, (version, _) in each.items()})
    assert all(rows == version for each in told for version, rows in each.values()), "each adds one row"


@pytest.mark.parametrize("seed", range(KILLS))
def test_whoever_is_killed_has_written_all_of_an_attempt_or_nothing(crowd: Crowd, seed: int) -> None:
    attempts = [f"a-{n}" for n in range(ROUNDS)]
    dying = crowd.start("a", attempts)
    assert dying.stdout
    chance = random.Random(seed)
    before = [dying.stdout.readline() for _ in range(chance.randrange(1, ROUNDS - 1))]
    threading.Event().wait(chance.uniform(0, 0.03))  # in the middle of whatever it does by then
    os.kill(dying.pid, signal.SIGKILL)
    dying.communicate()
    table = tables.find(crowd.place)
    reached = table.version() if table else 0
    assert len(before) <= reached <= ROUNDS
    if reached:
        assert crowd.attempts(reached) == attempts[:reached]
    told = crowd.told(crowd.start("a", attempts))
    is_whole(crowd, {attempt: version for attempt, (version, _) in told.items()})
    for line in before:
        attempt, version, _ = line.split()
        assert told[attempt][0] == int(version), "what was told stays"
