"""Disk: files and folders whose being there outlives a loss of power once they are synced."""

import os
import shutil
from pathlib import Path


def sync(path: Path) -> None:
    """What is written in the file, or which names are in the folder, is on the disk."""
    opened = os.open(path, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def make(folder: Path) -> None:
    """The folder is there, with those above it, and they are synced."""
    if folder.is_dir():
        return
    make(folder.parent)
    folder.mkdir(exist_ok=True)
    sync(folder.parent)


def link(source: Path, target: Path) -> None:
    """The same content is at `target`, which is new: the very file where both lie on one file system that has links."""
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:
        copy(source, target)
    else:
        os.utime(target)  # it counts as new from now on, however long ago it was written
        sync(target)


def copy(source: Path, target: Path) -> None:
    """The same content is at `target`, which is new; half a copy never is."""
    part = target.with_name(f"{target.name}.part")
    try:
        shutil.copyfile(source, part)
        sync(part)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
