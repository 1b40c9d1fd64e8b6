"""A disk that is nearly full, for real: a small file system in memory, where the tests may mount one."""

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.acceptance.conftest import Command, Folder


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", place], capture_output=True).returncode:
        pytest.skip("only root mounts a small disk" if os.geteuid() else "no file system can be mounted here")
    yield place
    subprocess.run(["umount", "-l", place], check=True)


def test_a_run_does_not_begin_where_there_is_next_to_no_room(headrace: Command, mill: Folder, small_disk: Path) -> None:
    said = headrace("run", "mill", "grind", code=2, HEADRACE_HOME=str(small_disk / "home"))
    assert said.err.startswith(f"error: The home {small_disk}/home cannot be written: only ")
    assert said.out == ""
