"""The triggers that a pipeline's folder has: `pipelines/<name>/triggers.yaml` → Written.

Each entry is read for itself. What is wrong with one is its Fault, and the others are as they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from headrace import errors
from headrace.project import document, entries, faults, fields, files, folder
from headrace.project.entries import Written
from headrace.project.fields import Field, Wrong
from headrace.project.folder import Project

FILE = "triggers.yaml"
LIST = "triggers"


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with an entry, or with the whole file.

    `file` says the line as well, where it is known; `field` is such as `triggers[2].sla`; `name` is the entry's, where
    it has one that can be read.
    """

    file: str
    field: str
    why: str
    name: str | None

    def __str__(self) -> str:
        return f"{self.file}: {self.field}: {self.why}"


@dataclass(frozen=True, slots=True)
class TriggersFile:
    """What a triggers.yaml says; `warnings` tell in words what of it is passed over.

    `changed` is the file's mark from before it was read, None when there is no file; once the file has another mark it
    is to be read again.
    """

    entries: tuple[Written, ...]
    faults: tuple[Fault, ...]
    warnings: tuple[str, ...]
    changed: str | None


def file_of(found: Project, pipeline: str) -> str:
    """Where the triggers of a pipeline are written, relative to the project. Raises PipelineNotFound."""
    return folder.pipeline_file(found, pipeline).removesuffix(folder.METADATA) + FILE


def mark(found: Project, pipeline: str) -> str | None:
    """What changes whenever the file does, without reading it; None when there is none. Raises PipelineNotFound."""
    try:
        stat = (found.path / file_of(found, pipeline)).stat()
    except OSError:
        return None
    return f"{stat.st_mtime_ns}-{stat.st_size}"


def read_triggers(found: Project, pipeline: str) -> TriggersFile:
    """The triggers that a pipeline's triggers.yaml has; none when there is no such file. Raises PipelineNotFound."""
    file, changed = file_of(found, pipeline), mark(found, pipeline)
    if changed is None:
        return TriggersFile((), (), (), None)
    try:
        return replace(parse(files.text(found.path, file), file, pipeline), changed=changed)
    except files.Unreadable as error:
        return TriggersFile((), (Fault(file, "the file", str(error), None),), (), changed)


def applies(written: Written, env: str | None) -> bool:
    """Is the trigger for that environment? One that names none is for all."""
    return not written.envs or env in written.envs


def parse(text: str, file: str, pipeline: str) -> TriggersFile:
    """What the text of a triggers.yaml says; faults call it by the name `file`. Never raises."""
    try:
        whole, dates = load(text, file)
    except errors.BadTriggers as error:
        return TriggersFile((), (Fault(**error.facts, name=None),), (), None)
    reading = _Reading(pipeline)
    reading.warn_of_dates(dates)
    reading.warn_of_others(whole)
    good = tuple(each for each in map(reading.written, whole.at(LIST).items()) if each)
    return TriggersFile(good, _placed(text, file, reading.troubles), tuple(reading.warnings), None)


def load(text: str, file: str) -> tuple[Field, tuple[faults.Path, ...]]:
    """The whole file, its entries a list, those that cannot be read as NotYaml or NotPlain; and where dates are.

    Raises BadTriggers when what is wrong is not of one entry.
    """
    try:
        whole = document.parse_apart(text, LIST)
        Field(whole.value).at(LIST).items()
    except faults.NotYaml as error:
        place = document.place(file, error.line, error.column)
        raise errors.BadTriggers(file=place, field="this is not YAML", why=str(error)) from None
    except (faults.NotPlain, Wrong) as error:
        place = document.place(file, document.line_of(text, error.path))
        raise errors.BadTriggers(file=place, field=fields.named(error.path), why=str(error)) from None
    return Field(whole.value), whole.dates


def name_of(entry: Field) -> str | None:
    """The name of an entry's trigger; None when it has none that can be one."""
    try:
        return entries.name_of(entry)
    except Wrong:
        return None


class _Trouble(NamedTuple):
    path: faults.Path
    why: str
    name: str | None = None
    line: int | None = None  # where it is known better than by the path


class _Reading:
    """What is found while the entries of one file are read, one after the other."""

    def __init__(self, pipeline: str) -> None:
        self._pipeline = pipeline
        self._names: set[str] = set()
        self.troubles: list[_Trouble] = []
        self.warnings: list[str] = []

    def written(self, entry: Field) -> Written | None:
        """The trigger of an entry; None if there is trouble with it, which is then noted."""
        said = len(self.warnings)
        try:
            return self._read(entry)
        except faults.NotPlain as error:
            path = error.path if len(error.path) >= len(entry.path) else entry.path
            self.troubles.append(_Trouble(path, str(error)))
        except faults.NotYaml as error:
            self.troubles.append(_Trouble(entry.path, str(error), line=error.line))
        except Wrong as error:
            self.troubles.append(_Trouble(error.path, str(error), name_of(entry)))
        del self.warnings[said:]
        return None

    def _read(self, entry: Field) -> Written:
        if isinstance(entry.value, ValueError):
            raise entry.value
        name = entries.name_of(entry)
        if name in self._names:
            raise entry.at("name").refused(f"two triggers are named {name!r}; the first one counts")
        self._names.add(name)
        return entries.read(entry, self._pipeline, int(entry.path[-1]), self._warn)

    def warn_of_dates(self, dates: Sequence[faults.Path]) -> None:
        """Only of those that blocks would be given."""
        for path in dates:
            if "variables" in path[2:3]:
                self._warn(Field(None, path), "this is a date; blocks are given it as text")

    def warn_of_others(self, whole: Field) -> None:
        """Of what stands beside the list."""
        for name in whole.rest(frozenset({LIST})):
            self._warn(whole.at(name), "this is no field of a file of triggers; it is passed over")

    def _warn(self, field: Field, why: str) -> None:
        self.warnings.append(f"{fields.named(field.path)}: {why}")


def _placed(text: str, file: str, troubles: Sequence[_Trouble]) -> tuple[Fault, ...]:
    """Troubles as faults that say the line. The text is read again for it, but only when somebody must be told."""
    lines = document.lines_of(text, [each.path for each in troubles]) if troubles else []
    return tuple(
        Fault(document.place(file, each.line or line), fields.named(each.path), each.why, each.name)
        for each, line in zip(troubles, lines, strict=True)
    )
