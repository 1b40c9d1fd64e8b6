"""Shelf: the folder in which snapshots are laid out, `versions/<hash>`.

Whoever pins holds it, together with others, from looking whether the code is there until the row that names it is
written; whoever takes code away has it alone while he looks whether a row names it. So what is there when it is pinned
is there when it is run.
"""

import fcntl
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

_LOCK = ".lock"


@contextmanager
def held(versions: Path) -> Generator[None]:
    """Within, nothing is taken away. OSError where `versions` cannot be written."""
    versions.mkdir(parents=True, exist_ok=True)
    with (versions / _LOCK).open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield


def take_away(versions: Path, name: str, is_named: Callable[[], bool]) -> bool:
    """Takes the snapshot of that hash away, unless it `is_named`; False when somebody pins, so that it is to be tried again.

    It goes under another name first, at once, and bit by bit afterwards. OSError where it cannot go.
    """
    place, aside = versions / name, versions / f".gone-{name}"
    if aside.exists():  # whoever was at it has died
        shutil.rmtree(aside)
    if not place.exists():
        return True
    with (versions / _LOCK).open("ab") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        if is_named():
            return True
        place.rename(aside)
    shutil.rmtree(aside)
    return True
