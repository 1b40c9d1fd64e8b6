"""Single files of a project folder: none is read that lies outside it, by name or by symbolic link."""

import os
import unicodedata
from itertools import accumulate, islice
from pathlib import Path

LARGEST = 2**20  # bytes of one file of code


class Unreadable(ValueError):
    """The file cannot be read as text of the project; the message says why."""


def find(root: Path, relative: str) -> bool:
    """Is there a file of that name in the folder? Raises Unreadable when it is one outside."""
    if escapes(relative):
        raise Unreadable("it would lie outside the project folder")
    path = os.path.join(root, relative)  # noqa: PTH118 - called for every block: strings are several times faster
    if not os.path.isfile(path):  # noqa: PTH113
        return False
    if _linked(root, relative) and not inside(root, path):
        raise Unreadable("it is a link that leads outside the project folder")
    return True


def text(root: Path, relative: str) -> str:
    """What the file says. Raises Unreadable when it is not there, outside, too large, or no UTF-8."""
    if not find(root, relative):
        raise Unreadable("there is no such file")
    try:
        with (root / relative).open("rb") as file:
            content = file.read(LARGEST + 1)
        if len(content) > LARGEST:
            raise Unreadable(f"it has more than {LARGEST} bytes")
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise Unreadable(f"it is not UTF-8: byte {error.object[error.start]:#04x} in line {line}") from None
    except OSError as error:
        raise Unreadable(error.strerror or str(error)) from None


def inside(root: str | Path, path: str) -> bool:
    """Does the path, with every link followed, lie in the folder?"""
    real, top = os.path.realpath(path), os.path.realpath(root)
    return real == top or real.startswith(top.rstrip("/") + "/")


def _linked(root: Path, relative: str) -> bool:
    """Is any step of the way from the folder down to the file a link? If none is, the file lies in the folder."""
    steps = accumulate(relative.split("/"), "{}/{}".format, initial=root)
    return any(os.path.islink(step) for step in islice(steps, 1, None))  # noqa: PTH114


def escapes(relative: str) -> bool:
    """Is the name no plain way down from a folder?"""
    return relative.startswith("/") or any(part in ("", ".", "..") for part in relative.split("/"))


def unprintable(name: str) -> bool:
    """Does the name hold a control character, or half of one that is no text?"""
    return any(unicodedata.category(each) in ("Cc", "Cs") for each in name)
