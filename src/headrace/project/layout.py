"""A snapshot laid out as files that nothing changes: what workers import from."""

import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from headrace import errors
from headrace.project import files, snapshots
from headrace.project.folder import Project
from headrace.project.snapshots import File, Snapshot

_TRIES = 5
_TAG = "Signature: 8a477f597d28d172789f06886806bc55\n# headrace lays out versions of projects here.\n"


Read = Callable[[File], bytes]
Link = Callable[[File, Path], bool]  # whether the file could be put in that folder as another name of one that is there


def pin(project: Project, versions: Path) -> tuple[Snapshot, Path]:
    """The project's code as it is now, laid out; taken anew if it changes meanwhile.

    Raises ProjectUnreadable, ProjectChanged if it never stands still, OSError if `versions` cannot be written.
    """
    for _ in range(_TRIES - 1):
        taken = snapshots.snapshot(project)
        try:
            return taken, lay_out(taken, project, versions)
        except errors.ProjectChanged:
            continue
    taken = snapshots.snapshot(project)
    return taken, lay_out(taken, project, versions)


def lay_out(snapshot: Snapshot, project: Project, versions: Path) -> Path:
    """The folder `versions/<hash>/<project name>` with exactly the snapshot's files, read-only.

    One that is there already is used again; whatever of it a power failure damaged is put right first. Several
    processes may do this at once, and any may be killed: the folder appears whole or not at all. Raises
    ProjectChanged if a file that is needed is no longer as in the snapshot, OSError if it cannot be written.
    """
    place = versions / snapshot.hash / project.name
    _settle(snapshot, place, partial(_content, snapshot, project), partial(_link, project))
    _remember(snapshot, project, place)
    return place


def lay_out_texts(texts: Mapping[str, str], name: str, versions: Path) -> Snapshot:
    """The same of files that say that, by their paths, and lie nowhere else; `name` is the project's."""
    contents = {path: text.encode() for path, text in texts.items()}
    snapshot = snapshots.of(File(path, snapshots.digest(each), len(each)) for path, each in contents.items())
    _settle(snapshot, versions / snapshot.hash / name, lambda file: contents[file.path])
    return snapshot


def _nowhere(_file: File, _to: Path) -> bool:
    return False


def _settle(snapshot: Snapshot, place: Path, read: Read, link: Link = _nowhere) -> None:
    """The files are in that place, each as one that is linked there or else with the content that is read."""
    if not place.is_dir():
        _build(snapshot, place, read, link)
    elif place not in _whole:
        _mend(snapshot, place, read)
    _whole.add(place)


_whole: set[Path] = set()  # those this process has looked at
_latest: dict[Path, tuple[Path, dict[str, str]]] = {}  # of each project: where that is, and its files by their digests


def _remember(snapshot: Snapshot, project: Project, place: Path) -> None:
    """What it has in common with the next snapshot of the project need not be copied then."""
    if project.path not in _latest or _latest[project.path][0] != place:
        _latest[project.path] = place, {file.digest: file.path for file in snapshot.files}


def _build(snapshot: Snapshot, place: Path, read: Read, link: Link) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    (place.parents[1] / "CACHEDIR.TAG").write_text(_TAG)
    beside = Path(tempfile.mkdtemp(prefix=".building-", dir=place.parent))
    try:
        beside.chmod(0o755)
        for file in snapshot.files:
            if not link(file, beside):
                _write(file, read(file), beside)
        _rename(beside, place)
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _rename(beside: Path, place: Path) -> None:
    """A folder is never renamed over one that holds something: whoever came second uses the first one's."""
    try:
        beside.rename(place)
    except OSError:
        if not place.is_dir():
            raise


def _mend(snapshot: Snapshot, place: Path, read: Read) -> None:
    """Files are not forced to disk one by one when they are laid out, so each is compared once by each process."""
    for file in snapshot.files:
        try:
            sound = snapshots.digest((place / file.path).read_bytes()) == file.digest
        except OSError:
            sound = False
        if not sound:
            _write(file, read(file), place)


def _link(project: Project, file: File, to: Path) -> bool:
    """Whether the file could be put there as the very one that an earlier snapshot has, which nothing ever changes."""
    earlier, files = _latest.get(project.path, (to, {}))
    if file.digest not in files:
        return False
    target = f"{to}/{file.path}"
    try:
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120 - of thousands of files
        os.link(f"{earlier}/{files[file.digest]}", target)
    except OSError:  # it was taken away, or has as many names as a file may have
        return False
    return True


def _write(file: File, content: bytes, to: Path) -> None:
    """Puts one file in its place, whole or not at all."""
    target = to / file.path
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, beside = tempfile.mkstemp(prefix=".building-", dir=target.parent)
    with os.fdopen(descriptor, "wb") as written:
        written.write(content)
        os.fchmod(descriptor, 0o444)
    Path(beside).replace(target)


def _content(snapshot: Snapshot, project: Project, file: File) -> bytes:
    """What the project's file says, if it is still as the snapshot has it: ProjectChanged."""
    source = project.path / file.path
    try:
        content = source.read_bytes() if files.inside(project.path, str(source)) else b""
    except OSError:
        content = b""
    if len(content) != file.size or snapshots.digest(content) != file.digest:
        raise errors.ProjectChanged(path=project.path, snapshot=snapshot.hash, file=file.path)
    return content
