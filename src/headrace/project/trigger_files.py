"""Files of triggers that are changed on disk: as a whole or not at all, and by one at a time."""

import fcntl
import os
import secrets
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

from headrace import errors
from headrace.project import files, triggers
from headrace.project.entries import Written
from headrace.project.folder import Project

_TRIES = 5
_MODE = 0o666  # of a new file, less what the process's umask takes away


def write_trigger(found: Project, pipeline: str, written: Written) -> None:
    """Puts a trigger into the pipeline's triggers.yaml, in place of the one of its name; the file is made if need be.

    Of an entry that is there only the fields that differ are touched. `written` says all that is to hold, so what only
    the file knows (`envs`, `token`) is to be taken from there; its `index` means nothing. The file is replaced as a
    whole or not at all; a link stays a link.

    Raises PipelineNotFound; TriggersUnwritable; BadTriggers for a file that cannot be read, or that is written in a way
    that cannot be changed in this place alone, and for a trigger that no file can hold. Nothing is changed then.
    """
    from headrace.project import trigger_texts  # YAML is slow to import, and much is done with a project without it

    _amend(found, pipeline, lambda text, file: trigger_texts.put(text, file, written))


def remove_trigger(found: Project, pipeline: str, name: str) -> bool:
    """Takes every entry of that name out of the pipeline's triggers.yaml; says whether there was one.

    Raises as `write_trigger` does.
    """
    from headrace.project import trigger_texts

    return _amend(found, pipeline, lambda text, file: trigger_texts.drop(text, file, name))


def _amend(found: Project, pipeline: str, change: Callable[[str, str], str]) -> bool:
    """Whether the change made a difference. It is made anew when somebody edits the file meanwhile."""
    file = triggers.file_of(found, pipeline)
    path = Path(os.path.realpath(found.path / file))
    try:
        with _alone(path.parent):
            for _ in range(_TRIES):
                mark = triggers.mark(found, pipeline)
                text = _text(found, file) if mark else ""
                changed = change(text, file)
                if changed == text:
                    return False
                if _replace(path, changed, lambda mark=mark: triggers.mark(found, pipeline) == mark):
                    return True
    except OSError as error:
        raise errors.TriggersUnwritable(file=file, why=error.strerror or str(error)) from None
    raise errors.TriggersUnwritable(file=file, why="somebody is editing it all the time")


@contextmanager
def _alone(folder: Path) -> Generator[None]:
    """No two of headrace's processes and threads amend the files of one folder at once."""
    with _opened(folder) as descriptor:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield


def _text(found: Project, file: str) -> str:
    try:
        return files.text(found.path, file)
    except files.Unreadable as error:
        raise errors.BadTriggers(file=file, field="the file", why=str(error)) from None


def _replace(path: Path, text: str, still: Callable[[], bool]) -> bool:
    """Puts a new file in the place of the old if that is still the old one."""
    beside = path.with_name(f".{path.name}-{secrets.token_hex(8)}")
    try:
        _write(beside, text, like=path)
        if not still():
            return False
        beside.replace(path)
        with _opened(path.parent) as folder:
            os.fsync(folder)
        return True
    finally:
        beside.unlink(missing_ok=True)


def _write(beside: Path, text: str, like: Path) -> None:
    """Writes a new file, with the mode of the other if that is there, and waits until it is on the disk."""
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _MODE), "wb") as file:
        if like.exists():
            os.fchmod(file.fileno(), stat.S_IMODE(like.stat().st_mode))
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _opened(folder: Path) -> Generator[int]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
