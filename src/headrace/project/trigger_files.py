"""Files of triggers that are changed on disk: as a whole or not at all, and by one at a time."""

from collections.abc import Callable

from headrace import errors
from headrace.project import amending, files, triggers
from headrace.project.entries import Written
from headrace.project.folder import Project


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
    """Whether the change made a difference."""
    file = triggers.file_of(found, pipeline)
    try:
        return amending.amend(found.path / file, lambda: _text(found, file), lambda text: change(text, file))
    except amending.Unwritable as error:
        raise errors.TriggersUnwritable(file=file, why=str(error)) from None


def _text(found: Project, file: str) -> str:
    try:
        return files.text(found.path, file)
    except files.Unreadable as error:
        raise errors.BadTriggers(file=file, field="the file", why=str(error)) from None
